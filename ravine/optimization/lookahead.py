"""Lookahead: k steps forward, one step back; slow weights follow fast ones and steady them.

Zhang, Lucas, Hinton and Ba, "Lookahead Optimizer: k steps forward, 1 step back", 2019.
"""

from collections.abc import Iterable

import torch

from ravine.errors import UsageError
from ravine.optimization.averaging import Average


class Lookahead(Average):
    """After every k-th step of whatever rule the slow weights a go part of the way, and the fast ones w start there.

        a <- a + alpha (w - a)
        w <- a

    The rule keeps its memory (momentum) over the jump, as the paper's experiments do.

    Args:
        weights: tensors that training changes in place.
        k: steps between two jumps, 1 or more.
        alpha: how far the slow weights go, above 0, up to 1 (which changes nothing).
    """

    def __init__(self, weights: Iterable[torch.Tensor], k: int = 5, alpha: float = 0.5):
        if isinstance(k, bool) or not isinstance(k, int) or k < 1:
            raise UsageError(f"k cannot be {k!r}", where="lookahead", expected="a whole number, 1 or more")
        if isinstance(alpha, bool) or not isinstance(alpha, int | float) or not 0 < alpha <= 1:
            raise UsageError(f"alpha cannot be {alpha!r}", where="lookahead", expected="a number above 0, up to 1")
        super().__init__(weights)
        self.k, self.alpha = k, alpha

    @property
    def begun(self) -> bool:
        return self.updates >= self.k

    @torch.no_grad()
    def update(self, progress: float = 1.0) -> None:
        """After each optimizer step; every k-th time it moves the weights as well."""
        self.updates += 1
        if self.updates % self.k:
            return
        # a <- a + alpha (w - a);   w <- a
        for a, w in zip(self.averages, self.weights, strict=True):
            a.add_(self.alpha * (w - a))
            w.copy_(a)
