"""ravine's own weights file: all of the network, for predict, evaluate and export; its tensors anybody can read."""

from pathlib import Path

import numpy as np

from ravine.checkpoints import weights_file
from ravine.ensemble import Ensemble
from ravine.exporting.half import half as halved
from ravine.exporting.parity import Answer
from ravine.loading import load
from ravine.trained import Trained


def write(path: Path, network: Trained | Ensemble, half: bool) -> None:
    """Writes the network with all its members.

    Raises:
        UsageError: a weight that float16 cannot hold. SaveError: the file system refused.
    """
    tensors = network.tensors
    if half:
        tensors = {name: halved(tensor, name) for name, tensor in tensors.items()}
    weights_file.write(path, tensors, network.about)


def answering(path: Path) -> Answer:
    """What the file, read again, says of rows."""
    network = load(path)

    def answer(rows: np.ndarray) -> np.ndarray:
        return network.probabilities(rows)

    return answer
