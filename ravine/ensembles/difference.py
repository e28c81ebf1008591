"""Which of two networks is better, judged image by image."""

from dataclasses import dataclass

import numpy as np

from ravine.errors import UsageError

ALIKE = 1e-12  # differences no further apart are one and the same, but for rounding


def same_everywhere(value: float, n: int) -> tuple[float, float]:
    """95% interval of a mean difference of right answers that is `value` on each of `n` images.

        at most a share q = 1 - 0.025^(1/N) of all images is otherwise:  value - q (value + 1) to value + q (1 - value)

    Exact for shares (Clopper & Pearson, 1934); an otherwise answered image counts as the worst, -1, or the best, 1. No
    spread between N images says little where N is small: 22 points for 15.
    """
    q = 1 - 0.025 ** (1 / n)
    return value - q * (value + 1), value + q * (1 - value)


@dataclass(frozen=True)
class Difference:
    """The mean of a paired difference, and its 95% interval on new images like these."""

    value: float
    low: float
    high: float

    @property
    def points(self) -> tuple[str, str]:
        """In points, the value and the interval: `+1.2`, `+0.3 to +2.1`.

        More digits where an interval without 0 would seem to have it: `+0.04`, `+0.01 to +0.07`.
        """
        value, low, high = (100 * x for x in (self.value, self.low, self.high))
        nearest = 0.0 if low <= 0 <= high else min(abs(low), abs(high))
        digits = next((d for d in (1, 2, 3) if not nearest or round(nearest, d)), 4)
        return f"{value:+.{digits}f}", f"{low:+.{digits}f} to {high:+.{digits}f}"

    def __str__(self) -> str:
        """In points: `+1.2 points (+0.3 to +2.1)`."""
        value, interval = self.points
        return f"{value} points ({interval})"


def difference(one: np.ndarray, other: np.ndarray) -> Difference:
    """One minus the other on the same images: of right answers (0 and 1), or of any score.

        d_n = one_n - other_n;   mean d +- t sqrt(s^2(d) / N),   Student's t with N - 1 degrees of freedom

    Where d is the same on all images the interval is that of `same_everywhere`, for scores from 0 to 1, and of others
    nothing is known: -inf to inf.

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
    if np.ptp(d) < ALIKE:
        bounded = all(scores.min() >= 0 and scores.max() <= 1 for scores in (one, other))
        interval = same_everywhere(float(d.mean()), len(d)) if bounded else (-np.inf, np.inf)
        return Difference(float(d.mean()), *interval)
    half = float(stdtrit(len(d) - 1, 0.975)) * (d.var(ddof=1) / len(d)) ** 0.5
    return Difference(float(d.mean()), float(d.mean() - half), float(d.mean() + half))
