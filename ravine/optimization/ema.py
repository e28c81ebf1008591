"""EMA: an exponential moving average of the weights, which averages the mini-batch noise out of them.

Polyak and Juditsky, "Acceleration of Stochastic Approximation by Averaging", 1992; the warm-up is TensorFlow's.
"""

from collections.abc import Iterable

import torch

from ravine.errors import UsageError
from ravine.optimization.averaging import Average


class EMA(Average):
    """Remembers about the last `1 / (1 - decay)` steps.

        d = min(decay, (1 + t) / (10 + t))          so that the initial weights are soon forgotten
        a <- d a + (1 - d) w

    Args:
        weights: tensors that training changes in place.
        decay: from 0 to below 1.
    """

    def __init__(self, weights: Iterable[torch.Tensor], decay: float = 0.999):
        if isinstance(decay, bool) or not isinstance(decay, int | float) or not 0 <= decay < 1:
            raise UsageError(f"decay cannot be {decay!r}", where="ema", expected="a number from 0 to below 1")
        super().__init__(weights)
        self.decay = decay

    @torch.no_grad()
    def update(self, progress: float = 1.0) -> None:
        """After each optimizer step."""
        self.updates += 1
        # d = min(decay, (1 + t) / (10 + t));   a <- d a + (1 - d) w
        d = min(self.decay, (1 + self.updates) / (10 + self.updates))
        for a, w in zip(self.averages, self.weights, strict=True):
            a.lerp_(w, 1 - d)  # exact where both are equal: an average of what is frozen is that
