"""SWA: the plain mean of the weights over the last part of the training, the middle of the basin they wander in.

Izmailov et al., "Averaging Weights Leads to Wider Optima and Better Generalization", 2018.
"""

from collections.abc import Iterable

import torch

from ravine.errors import UsageError
from ravine.optimization.averaging import Average


class SWA(Average):
    """From progress `start` on every step counts the same; before it the average is the weights themselves.

        a <- a + (w - a) / n

    The paper averages once an epoch; every step has the same mean with less noise. It needs weights that still wander:
    a schedule that ends at a rate of 0 leaves little to average, one that stays up (constant, step) leaves much.

    Args:
        weights: tensors that training changes in place.
        start: progress from which on the mean is taken, 0 to below 1.
    """

    def __init__(self, weights: Iterable[torch.Tensor], start: float = 0.75):
        if isinstance(start, bool) or not isinstance(start, int | float) or not 0 <= start < 1:
            raise UsageError(f"start cannot be {start!r}", where="swa", expected="a number from 0 to below 1")
        super().__init__(weights)
        self.start = start

    @torch.no_grad()
    def update(self, progress: float = 1.0) -> None:
        """After each optimizer step; `progress` says whether the mean has begun."""
        if progress <= self.start:
            return
        self.updates += 1
        # a <- a + (w - a) / n
        for a, w in zip(self.averages, self.weights, strict=True):
            a.add_((w - a).div_(self.updates))
