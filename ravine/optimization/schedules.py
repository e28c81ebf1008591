"""Schedules: functions from progress (0 to 1 over all optimizer steps) to a factor on the learning rate.

Progress, not epochs or steps, so the unit cannot be wrong and the end of the training is the end of the schedule.
"""

import math
from collections.abc import Callable

from ravine.errors import UsageError

Schedule = Callable[[float], float]


def constant() -> Schedule:
    """The same rate from the first step to the last: `f(p) = 1`."""
    return lambda progress: 1.0


def one_cycle(warmup: float = 0.3, start: float = 0.04, end: float = 1e-4) -> Schedule:
    """Up along half a cosine, then down along another (Smith, "Super-Convergence", 2018; fastai's cosine form).

        p < warmup:   f = start + (1 - start) (1 - cos(pi p / warmup)) / 2
        else:         f = end + (1 - end) (1 + cos(pi (p - warmup) / (1 - warmup))) / 2

    Args:
        warmup: share of the training that climbs, 0 to below 1.
        start: factor at the first step, 0 to 1.
        end: factor after the last step, 0 to 1.
    """
    for name, value, low, high in (("warmup", warmup, 0, 0.999), ("start", start, 0, 1), ("end", end, 0, 1)):
        if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= high:
            raise UsageError(
                f"{name} cannot be {value!r}", where="one_cycle", expected=f"a number from {low} to {high}"
            )

    def factor(progress: float) -> float:
        if progress < warmup:
            return start + (1 - start) * (1 - math.cos(math.pi * progress / warmup)) / 2
        return end + (1 - end) * (1 + math.cos(math.pi * (progress - warmup) / (1 - warmup))) / 2

    return factor
