"""The one schedule that looks at what happened: the rate falls when validation no longer improves."""

import math

from ravine.errors import UsageError

_BELOW_1 = math.nextafter(1.0, 0.0)


class Plateau:
    """Multiplies the rate by `factor` after `patience` epochs without a better loss, and waits as long again.

        plateau = Plateau(patience=3)
        ...                                 # train an epoch at lr * plateau(progress)
        plateau.observe(validation_loss)

    A schedule (called with the progress, which it does not use) and an observer. What it answers depends only on the
    losses it was shown, so a resumed training shows them again.

    Args:
        patience: epochs, 1 or more.
        factor: above 0, below 1.
        threshold: by what share of the best loss a loss must be lower to count as better, 0 to below 1.
        least: the factor on the rate never falls below this, 0 to 1.
    """

    def __init__(self, patience: int = 3, factor: float = 0.3, threshold: float = 1e-3, least: float = 1e-3):
        if isinstance(patience, bool) or not isinstance(patience, int) or patience < 1:
            raise UsageError(f"patience cannot be {patience!r}", where="plateau", expected="a whole number, 1 or more")
        for name, value, low, high, words in (
            ("factor", factor, 1e-6, _BELOW_1, "above 0 and below 1"),
            ("threshold", threshold, 0, _BELOW_1, "from 0 to below 1"),
            ("least", least, 0, 1, "from 0 to 1"),
        ):
            if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= high:
                raise UsageError(f"{name} cannot be {value!r}", where="plateau", expected=f"a number {words}")
        self.patience, self.factor, self.threshold, self.least = patience, factor, threshold, least
        self.best, self.waited, self.rate = math.inf, 0, 1.0

    def __call__(self, progress: float) -> float:
        """The factor on the rate now."""
        return self.rate

    def observe(self, loss: float) -> bool:
        """Takes in an epoch's validation loss (NaN is never better); returns whether the rate fell."""
        if loss < self.best - self.threshold * abs(self.best) or (math.isinf(self.best) and loss < self.best):
            self.best, self.waited = loss, 0
            return False
        self.waited += 1
        if self.waited < self.patience or self.rate <= self.least:
            return False
        self.rate, self.waited = max(self.least, self.rate * self.factor), 0
        return True
