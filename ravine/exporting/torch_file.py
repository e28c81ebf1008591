"""The network as PyTorch's own `.pt2`: `torch.export.load("model.pt2").module()(images)`, without ravine."""

import io
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import torch

from ravine.exporting.parity import Answer


def write(path: Path, program: torch.export.ExportedProgram, card: Mapping[str, str]) -> None:
    """Writes the graph; each text of `card` becomes an extra file of that name. Raises OSError."""
    buffer = io.BytesIO()  # since torch's own writer reports a full disk in its own way
    torch.export.save(program, buffer, extra_files=dict(card))
    path.write_bytes(buffer.getbuffer())


def answering(path: Path) -> Answer:
    """What the file says of rows."""
    module = torch.export.load(path).module()

    @torch.no_grad()
    def answer(rows: np.ndarray) -> np.ndarray:
        return module(torch.tensor(rows)).numpy()

    return answer
