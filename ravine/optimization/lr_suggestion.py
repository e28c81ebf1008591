"""Which rate to take from a range test's curve: one number, its range, and why; or why there is none.

The mean loss falls from its start to its minimum. The suggestion is the first rate at which nine tenths are done:

    mean(lr) <= start - 0.9 (start - minimum)

It is neither where the mean falls most steeply, nor the minimum / 10, nor the middle of the longest falling subsequence
(fastai's "steep", "minimum" and "valley"): as the peak of `one_cycle` it gave the lowest validation loss of these, and
it moved least from seed to seed (benchmarks/lr_find.py). The share is counted on a mean that lags, so at the suggestion
itself the loss is further down. Multiplying the loss by a number or adding one changes nothing. The number of steps
does: a slow sweep has done more of the fall by the same rate, and 800 suggest about 0.7 times what 400 do.
"""

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ravine.optimization.range_test import RangeTest

_LEAST, _TAKEN, _MOST = 0.7, 0.9, 0.95
# A fall counts from so many standard deviations of the mean on. Of 1,500 curves of pure noise none falls so far where
# the noise is normal, one in a hundred where it is exponential; valleys of the digits fall by 30 to 280, of CIFAR-10 by
# 8 (SGD, too slow to see much) to 60.
_CLEAR = 8.0


@dataclass(frozen=True)
class Suggestion:
    """A learning rate to train with.

    Attributes:
        lr: the rate, to two digits; of a schedule the peak.
        low, high: first rates at which 70% and 95% of the fall are done: worth trying; None without a valley.
        reason: what was seen, and where there is no valley what to do, in a sentence or two.
        found: whether the curve shows a valley; else `lr` is the default.
    """

    lr: float
    low: float | None
    high: float | None
    reason: str
    found: bool


def suggest(test: "RangeTest") -> Suggestion:
    """The rate that the curve of a range test suggests, or its default where it shows no valley."""
    why_not = _why_no_valley(test)
    if why_not:
        return Suggestion(test.default, None, None, why_not, False)
    low, lr, high = (_rounded(test.rates[_where(test, share)]) for share in (_LEAST, _TAKEN, _MOST))
    lowest, end = test.smoothed[_minimum(test)], limit(test)
    reason = f"the loss falls from {test.start:.3g} to {lowest:.3g}, "
    reason += f"70% of it by a rate of {low:g}, 90% by {lr:g}, 95% by {high:g}. Higher rates gain little"
    return Suggestion(lr, low, high, reason + (f", and {end:.2g} loses all again" if end else ""), True)


def limit(test: "RangeTest") -> float | None:
    """The rate that loses all that was gained: the mean is above its start again; None if there is none."""
    bottom = _minimum(test) if test.smoothed else 0
    above = (i for i in range(bottom, len(test.smoothed)) if test.smoothed[i] > test.start + _noise(test))
    return next((test.rates[i] for i in above), test.blown_up)


def _why_no_valley(test: "RangeTest") -> str:
    """Why the curve holds no valley and what to do, or nothing where it holds one."""
    keep = f"keeping the default {test.default:g}"
    if not math.isfinite(test.start):
        return f"the loss is no finite number before any step, so no rate helps; {keep}. Look at the data"
    if test.smoothed and _thrown(test):
        seen = f"the first rates already throw the loss from {test.before:.3g} to {_early(test):.3g}"
        return f"{seen}; {keep}. Try again from a much lower rate (low)"
    end = limit(test)
    fall = test.start - test.smoothed[_minimum(test)] if test.smoothed else 0.0
    if not test.smoothed or fall <= _noise(test):
        if end is not None and end < 10 * test.first:
            return f"the loss only rises, from the lowest rates on; {keep}. Try again from a much lower rate (low)"
        seen = f"the loss stays near {test.start:.3g}" + (f" and rises from {end:.2g} on" if end else "")
        return f"{seen}: at no rate does it fall by more than its noise; {keep}. Try more steps or a larger batch"
    if test.blown_up is None and _where(test, _TAKEN) >= len(test.rates) - test.memory:
        seen = f"the loss is still falling at the highest rate, {test.rates[-1]:.2g}"
        return f"{seen}; {keep}. Try again up to a higher rate (high)"
    return ""


def _thrown(test: "RangeTest") -> bool:
    """Whether the sweep began too high: a loss four times the one before any step, and no mean clearly below that."""
    level = test.before + 3 * abs(test.before)
    return _early(test) > level and test.before - test.smoothed[_minimum(test)] <= _noise(test)


def _early(test: "RangeTest") -> float:
    """The highest loss at the lowest tenth of the rates."""
    return max(test.losses[: round(test.memory)])


def _minimum(test: "RangeTest") -> int:
    """The step with the lowest mean, once the mean is one of enough losses; the last step where it never is."""
    n = len(test.smoothed)
    return min(range(min(round(test.memory), n - 1), n), key=test.smoothed.__getitem__)


def _where(test: "RangeTest", share: float) -> int:
    """The first step after which the mean is at or below start - share (start - minimum)."""
    bottom = _minimum(test)
    level = test.start - share * (test.start - test.smoothed[bottom])
    return next(i for i in range(min(round(test.memory), bottom), bottom + 1) if test.smoothed[i] <= level)


def _noise(test: "RangeTest") -> float:
    """How far the mean must move to be believed: `_CLEAR` standard deviations of it under noise alone.

    Mini-batches with noise sigma differ from one to the next by sqrt(2) sigma in the root mean square, and an
    exponential mean with a memory of m of them has the standard deviation sigma / sqrt(2 m - 1). The noise counts where
    the minimum is: a network with a head of zeros has none at first.
    """
    bottom = _minimum(test)
    until = test.losses[max(0, bottom - round(2 * test.memory)) : bottom + 1]
    jumps = [b - a for a, b in zip(until, until[1:], strict=False)]
    sigma = math.sqrt(sum(jump**2 for jump in jumps) / (2 * len(jumps))) if jumps else 0.0
    # never below what rounding does to numbers of this size
    return max(_CLEAR * sigma / math.sqrt(2 * test.memory - 1), 1e-5 * abs(test.start))


def _rounded(rate: float) -> float:
    return float(f"{rate:.2g}")
