"""What probes of a network come to: an accuracy with its interval for each block."""

from dataclasses import asdict, dataclass
from typing import Any

import torch

from ravine.interval import wilson


@dataclass(frozen=True)
class Share:
    """An accuracy, and its 95% interval (Wilson's)."""

    accuracy: float
    interval: tuple[float, float]

    @staticmethod
    def of(right: torch.Tensor) -> "Share":
        """The share of what is right, booleans `[N]`."""
        count, n = int(right.sum()), len(right)
        return Share(count / n, wilson(count, n))

    def __str__(self) -> str:
        low, high = (100 * bound for bound in self.interval)
        return f"{self.accuracy:.1%} ({low:.1f} to {high:.1f})"


@dataclass(frozen=True)
class BlockProbe:
    """What one block's features know.

    Attributes:
        block, depth, width: its name, its number from 1, and how many features it has.
        linear, neighbours: the accuracies of the linear probe and of k-NN.
        l2, k: what was chosen for them.
        converged: whether the probe's fit reached its minimum.
        seconds: of both, without the forward pass.
    """

    block: str
    depth: int
    width: int
    linear: Share
    neighbours: Share
    l2: float
    k: int
    converged: bool
    seconds: float


@dataclass(frozen=True)
class Probe:
    """The probes of one network on one data set.

    Attributes:
        weights, data: where both are from.
        blocks: what each block's features know, first to last.
        majority: the accuracy of always naming the class that is most frequent among the images fitted on.
        judged_on: "test" or "val".
        n: how many images that are.
        fitted, choosing: how many images the probes were fitted on, and chosen on.
        notes: what one should know of these numbers.
        seconds: of everything.
    """

    weights: str
    data: str
    blocks: tuple[BlockProbe, ...]
    majority: Share
    judged_on: str
    n: int
    fitted: int
    choosing: int
    notes: tuple[str, ...]
    seconds: float

    def to_json(self) -> dict[str, Any]:
        return asdict(self)
