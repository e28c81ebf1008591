"""k nearest neighbours on frozen features: what they tell without anything being trained.

    s_i = cos(x, x_i);   class = the one that most of the k rows with the largest s_i have

The angle, not the distance: the length of a feature vector is mostly the image's contrast.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch.nn import functional as F

from ravine.errors import UsageError
from ravine.transfer.probe import check_rows

NEIGHBOURS = (1, 3, 5, 10, 20, 50)
_ELEMENTS = 2**24  # similarities at a time, 64 MB


@dataclass(frozen=True)
class NearestNeighbours:
    """The rows that vote.

    Attributes:
        unit: float32 `[N, F]`, the features at length 1.
        y: their labels, int64 `[N]`.
        classes: how many there are.
        k: how many rows vote.
        path: `(k, accuracy on the choosing rows)` of all that were tried.
    """

    unit: torch.Tensor
    y: torch.Tensor
    classes: int
    k: int
    path: tuple[tuple[int, float], ...]

    def predict(self, x: torch.Tensor) -> torch.Tensor:
        """int64 `[N]` for features `[N, F]`."""
        return _elected(self.unit, self.y, self.classes, x, [self.k])[:, 0]


def nearest_neighbours(
    x: torch.Tensor,
    y: torch.Tensor,
    x_val: torch.Tensor,
    y_val: torch.Tensor,
    classes: int,
    *,
    ks: Sequence[int] = NEIGHBOURS,
) -> NearestNeighbours:
    """k-NN with the k that is best on `x_val`; of equally good ones the largest, the least a matter of luck.

    Each neighbour has one vote. Where classes have as many, the one whose neighbours are nearer (by the sum of their
    cosines) wins. Similarities are taken in chunks of 64 MB.

    Args:
        x, y: features `[N, F]` and int64 labels `[N]` of the rows that vote.
        x_val, y_val: other rows, which choose k. Judge it on a third set.
        classes: how many there are.
        ks: to choose from, 1 or more; those above N are left out.

    Raises:
        UsageError: as `linear_probe`, or no k from 1 to N.
    """
    check_rows(x, y, x_val, y_val, classes, "nearest_neighbours")
    able = sorted({k for k in ks if 1 <= k <= len(x)})
    if not able or min(ks) < 1:
        raise UsageError(f"k of {list(ks)}", where="nearest_neighbours", expected=f"1 to {len(x)}, the rows")
    unit, y = F.normalize(x.to("cpu", torch.float32)), y.cpu()
    said = _elected(unit, y, classes, x_val, able)
    accuracy = (said == y_val.cpu()[:, None]).double().mean(0).tolist()
    path = tuple(zip(able, accuracy, strict=True))
    return NearestNeighbours(unit, y, classes, max(path, key=lambda tried: (tried[1], tried[0]))[0], path)


def _elected(unit: torch.Tensor, y: torch.Tensor, classes: int, x: torch.Tensor, ks: Sequence[int]) -> torch.Tensor:
    """The class that the nearest k rows elect, int64 `[M, len(ks)]`."""
    elected = []
    for rows in x.to("cpu", torch.float32).split(max(1, _ELEMENTS // len(unit))):
        cosines, nearest = (F.normalize(rows) @ unit.T).topk(max(ks), dim=1)
        labels = y[nearest]
        answers = []
        for k in ks:
            votes, nearness = torch.zeros(2, len(rows), classes)
            votes.scatter_add_(1, labels[:, :k], torch.ones(len(rows), k))
            nearness.scatter_add_(1, labels[:, :k], cosines[:, :k])
            # |nearness| <= k, so that this decides only between equal votes
            answers.append((votes + nearness / (2 * k + 1)).argmax(1))
        elected.append(torch.stack(answers, 1))
    return torch.cat(elected)
