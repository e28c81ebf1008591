"""What the best weights say of each held-out image, kept with the run: predictions.csv, and pictures of mistakes."""

from collections.abc import Mapping, Sequence

import numpy as np
import torch

from ravine import data
from ravine.checkpoints.run_folder import RunFolder
from ravine.report.mistakes import to_picture
from ravine.report.pictures import pictures_file
from ravine.report.predictions import Predictions


class Kept:
    """Takes what is scored, batch by batch, as `keep` of `evaluate`; of it stay three numbers an image.

    Args:
        n: images that will be scored.
        device: where; it is asked once, at the end.
    """

    def __init__(self, n: int, device: torch.device):
        self._predicted = torch.zeros(n, dtype=torch.int64, device=device)
        # confidence and probability of the true class; one place for all, since small pieces between large ones that
        # come and go would keep the memory of these from being used again
        self._shares = torch.zeros(2, n, device=device)
        self._seen = 0

    def __call__(self, probabilities: torch.Tensor, y: torch.Tensor) -> None:
        rows = slice(self._seen, self._seen + len(y))
        self._shares[0, rows], self._predicted[rows] = probabilities.max(1)
        self._shares[1, rows] = probabilities.gather(1, y[:, None]).squeeze(1)
        self._seen += len(y)

    def columns(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """The predicted class int64 `[N]`, its probability and that of the true class, float32 `[N]`."""
        confidence, true_probability = self._shares.cpu().numpy()
        return self._predicted.cpu().numpy(), confidence, true_probability


def predictions_of(dataset: data.Dataset, kept: Mapping[str, Kept]) -> Predictions:
    """What was kept of each split, in its order, as the rows of predictions.csv."""
    columns, parts = [one.columns() for one in kept.values()], {name: dataset.splits[name] for name in kept}
    predicted, confidence, true_probability = (np.concatenate(column) for column in zip(*columns, strict=True))
    return Predictions(
        np.concatenate([np.full(len(part), name) for name, part in parts.items()]),
        [name for part in parts.values() for name in part.names],
        np.concatenate([part.y for part in parts.values()]).astype(np.int64),
        predicted,
        confidence,
        true_probability,
    )


def write_pictures(folder: RunFolder, dataset: data.Dataset, said: Predictions, splits: Sequence[str]) -> None:
    """Writes shown.npz, the pictures of the mistakes, where there are any: floats are none.

    Args:
        splits: those that were predicted, in their order; the last one counts.

    Raises:
        SaveError: the file system refused.
    """
    if dataset.preprocessing is not None:
        rows = to_picture(said, splits[-1])
        folder.write_bytes(folder.shown.name, pictures_file(rows, _pixels(rows, [dataset.splits[s] for s in splits])))


def _pixels(rows: np.ndarray, parts: list[data.Split]) -> np.ndarray:
    """The images `[M, C, H, W]` at sorted rows of all splits joined."""
    ends = np.cumsum([len(part) for part in parts])
    pieces = (
        part.take(rows[(rows >= end - len(part)) & (rows < end)] - (end - len(part)))
        for part, end in zip(parts, ends.tolist(), strict=True)
    )
    return np.concatenate(list(pieces))
