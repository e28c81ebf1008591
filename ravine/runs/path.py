"""The path of a training: copies of the weights along the way, for the picture of the landscape they crossed.

Kept in the run's folder `path/`, a file an epoch, in half precision (a direction needs no more), and no more files than
fit a budget; nothing else reads them, so they may be deleted.
"""

from pathlib import Path

import torch

from ravine.checkpoints import weights_file
from ravine.errors import DataError
from ravine.population import Population

BUDGET = 32_000_000  # bytes
FEWEST, MOST = 3, 33  # files: two directions need three points


def kept_epochs(epochs: int, weights: int) -> list[int]:
    """The epochs after which `weights` numbers are kept, evenly spread from 0 (before the first) to the last."""
    files = min(MOST, max(FEWEST, BUDGET // (2 * weights)), epochs + 1)
    return sorted({round(i * epochs / max(1, files - 1)) for i in range(files)})


def record(folder: Path, population: Population, epoch: int, epochs: int) -> None:
    """Writes the first member's weights, where this epoch is one of `kept_epochs`. Raises SaveError."""
    row = population.weights[0]
    if epoch in kept_epochs(epochs, row.numel()):
        folder.mkdir(exist_ok=True)
        weights_file.write(folder / f"epoch-{epoch:06d}.safetensors", {"weights": row.half()}, {"epoch": epoch})


def read(folder: Path) -> tuple[list[int], torch.Tensor]:
    """Epochs and weights `[files, P]` float32, in order. Raises DataError where there are fewer than 3, or damaged."""
    files = sorted(folder.glob("epoch-*.safetensors"))
    if len(files) < FEWEST:
        what = f"{len(files)} of the weights along the way are kept, 3 are needed"
        cure = "Train for 2 epochs or more, or use --directions random"
        raise DataError(what, where=str(folder), cure=cure)
    loaded = [weights_file.read(file) for file in files]
    return [about["epoch"] for _, about in loaded], torch.stack([tensors["weights"].float() for tensors, _ in loaded])
