"""Which of two networks is better, judged image by image."""

from dataclasses import dataclass

import numpy as np

from ravine.errors import UsageError


@dataclass(frozen=True)
class Difference:
    """The mean of a paired difference, and its 95% interval on new images like these."""

    value: float
    low: float
    high: float

    def __str__(self) -> str:
        """In points: `+1.2 points (+0.3 to +2.1)`."""
        value, low, high = (100 * x for x in (self.value, self.low, self.high))
        return f"{value:+.1f} points ({low:+.1f} to {high:+.1f})"


def difference(one: np.ndarray, other: np.ndarray) -> Difference:
    """One minus the other on the same images: of right answers (0 and 1), or of any score.

        d_n = one_n - other_n;   mean d +- t sqrt(s^2(d) / N),   Student's t with N - 1 degrees of freedom

    Paired: what makes an image hard for both is no difference. It says nothing about another training of either.

    Args:
        one, other: `[N]` numbers or bools, N at least 2.

    Raises:
        UsageError: other shapes.
    """
    if one.shape != other.shape or one.ndim != 1 or len(one) < 2:
        found = f"shapes {one.shape} and {other.shape}"
        raise UsageError(found, where="difference", expected="[N] twice, N at least 2")
    from scipy.special import stdtrit

    d = one.astype(np.float64) - other.astype(np.float64)
    half = float(stdtrit(len(d) - 1, 0.975)) * (d.var(ddof=1) / len(d)) ** 0.5
    return Difference(float(d.mean()), float(d.mean() - half), float(d.mean() + half))
