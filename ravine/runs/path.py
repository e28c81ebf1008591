"""The path of a training: copies of the weights along the way, for the picture of the landscape they crossed.

Kept in the run's folder `path/`, in half precision (a direction needs no more): after epochs 0, s, 2 s, ..., where the
stride s doubles whenever the files become too many. So they are evenly spread however long the training turns out to
be, and what is there depends on the last epoch alone. Nothing else reads them: they may be deleted.
"""

from pathlib import Path

import torch

from ravine.checkpoints import weights_file
from ravine.checkpoints.durable import saving
from ravine.errors import DataError
from ravine.population import Population

BUDGET = 32_000_000  # bytes
LEAST, MOST = 4, 33  # of the limit, in files; never fewer than half of it are left, and two directions need 3 points
_NEEDED = 3


def stride(epoch: int, weights: int) -> int:
    """Between the epochs after which `weights` numbers are kept: the smallest power of 2 for which they are not more
    than the limit, `min(MOST, max(LEAST, BUDGET // (2 weights)))` files.
    """
    limit = min(MOST, max(LEAST, BUDGET // (2 * weights)))
    step = 1
    while epoch // step + 1 > limit:
        step *= 2
    return step


def record(folder: Path, population: Population, epoch: int) -> None:
    """Writes the first member's weights, where this epoch is a multiple of the stride; deletes what no longer is one,
    and what a training that was taken up again had reached before. Raises SaveError.
    """
    row = population.weights[0]
    step = stride(epoch, row.numel())
    for file, kept in _files(folder):
        if kept % step or kept > epoch:
            with saving(file):
                file.unlink()
    if epoch % step == 0:
        with saving(folder):
            folder.mkdir(exist_ok=True)
        weights_file.write(folder / f"epoch-{epoch:06d}.safetensors", {"weights": row.half()}, {"epoch": epoch})


def read(folder: Path, last: int) -> tuple[list[int], torch.Tensor]:
    """Epochs up to `last` and weights `[files, P]` float32, in order. Raises DataError: fewer than 3, or damaged."""
    files = [file for file, epoch in _files(folder) if epoch <= last]
    if len(files) < _NEEDED:
        found = f"{len(files) or 'no'} cop{'y' if len(files) == 1 else 'ies'} of the weights along the way"
        expected = f"{_NEEDED} or more: they were deleted, or the run has not come to its second epoch"
        raise DataError(found, where=str(folder), expected=expected, cure="Use --directions random")
    loaded = [weights_file.read(file) for file in files]
    return [about["epoch"] for _, about in loaded], torch.stack([tensors["weights"].float() for tensors, _ in loaded])


def _files(folder: Path) -> list[tuple[Path, int]]:
    """The copies with their epochs, in order."""
    return [(file, int(file.stem.removeprefix("epoch-"))) for file in sorted(folder.glob("epoch-*.safetensors"))]
