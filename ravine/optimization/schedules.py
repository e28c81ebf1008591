"""Schedules: functions from progress (0 to 1 over all optimizer steps) to a factor on the learning rate.

Progress, not epochs or steps, so the unit cannot be wrong and the end of the training is the end of the schedule. In
what follows p is the progress after the warm-up, again from 0 to 1; the warm-up is a straight line up to 1.
"""

import math
from collections.abc import Callable, Sequence
from typing import Any

from ravine.errors import UsageError

Schedule = Callable[[float], float]

_FIRST = 0.01  # the factor with which a warm-up begins: from 0 the first step would be wasted


def constant() -> Schedule:
    """The same rate from the first step to the last: `f(p) = 1`."""
    return lambda progress: 1.0


def warmup(share: float = 0.05) -> Schedule:
    """A straight line from 1% up to the full rate, which then stays: the first gradients are the wildest.

    Args:
        share: of the training that climbs, 0 to below 1.
    """
    return _after_warmup(share, constant(), "warmup", "share")


def step(at: Sequence[float] = (0.5, 0.75), factor: float = 0.1, warmup: float = 0.0) -> Schedule:
    """Down by `factor` at each progress in `at`: `f = factor^(how many of at lie at or below the progress)`.

    Args:
        at: progress of each drop, 0 to 1, of the whole training with its warm-up.
        factor: of a drop, 0 to 1.
        warmup: share of the training that climbs first.
    """
    if not isinstance(at, list | tuple) or not at:
        raise UsageError(f"at cannot be {at!r}", where="step", expected="a list such as [0.5, 0.75]")
    for one in at:
        _check("step", "at", one, 0, 1)
    _check("step", "factor", factor, 0, 1)
    climb = _after_warmup(warmup, constant(), "step")
    return lambda progress: climb(progress) * factor ** sum(progress >= one for one in at)


def linear(end: float = 0.0, warmup: float = 0.0) -> Schedule:
    """A straight line down: `f(p) = end + (1 - end) (1 - p)`.

    Args:
        end: factor after the last step, 0 to 1.
        warmup: share of the training that climbs first.
    """
    _check("linear", "end", end, 0, 1)
    return _after_warmup(warmup, lambda p: end + (1 - end) * (1 - p), "linear")


def cosine(end: float = 0.0, warmup: float = 0.0) -> Schedule:
    """Half a cosine down: `f(p) = end + (1 - end) (1 + cos(pi p)) / 2` (Loshchilov and Hutter, "SGDR", 2017).

    Args:
        end: factor after the last step, 0 to 1.
        warmup: share of the training that climbs first.
    """
    _check("cosine", "end", end, 0, 1)
    return _after_warmup(warmup, lambda p: end + (1 - end) * (1 + math.cos(math.pi * p)) / 2, "cosine")


def cosine_restarts(cycles: int = 3, growth: float = 1.0, end: float = 0.0, warmup: float = 0.0) -> Schedule:
    """Half a cosine down, again and again (Loshchilov and Hutter, "SGDR: Stochastic Gradient Descent with Warm
    Restarts", 2017): each restart leaves the basin that the last one settled in.

    Args:
        cycles: how many, 1 to 1,000.
        growth: how many times as long as the one before each is, above 0.
        end: factor at the end of a cycle, 0 to 1.
        warmup: share of the training that climbs first.
    """
    if isinstance(cycles, bool) or not isinstance(cycles, int) or not 1 <= cycles <= 1000:
        raise UsageError(f"cycles cannot be {cycles!r}", where="cosine_restarts", expected="a whole number, 1 to 1000")
    _check("cosine_restarts", "growth", growth, 1e-3, 1e3)
    one = cosine(end)
    lengths = [growth**i for i in range(cycles)]
    return _after_warmup(warmup, join(*((length / sum(lengths), one) for length in lengths)), "cosine_restarts")


def inverse_sqrt(warmup: float = 0.05) -> Schedule:
    """`f = sqrt(warmup / progress)` after a warm-up: the slow decay of transformers (Vaswani et al., 2017).

    Args:
        warmup: share of the training that climbs, above 0 and below 1.
    """
    _check("inverse_sqrt", "warmup", warmup, 1e-6, 0.999)
    return _after_warmup(warmup, lambda p: math.sqrt(warmup / (warmup + p * (1 - warmup))), "inverse_sqrt")


def one_cycle(warmup: float = 0.3, start: float = 0.04, end: float = 1e-4) -> Schedule:
    """Up along half a cosine, then down along another (Smith, "Super-Convergence", 2018; fastai's cosine form).

        up, over `warmup`:   f = start + (1 - start) (1 - cos(pi p)) / 2
        then down:           f = end + (1 - end) (1 + cos(pi p)) / 2

    Args:
        warmup: share of the training that climbs, 0 to below 1.
        start: factor at the first step, 0 to 1.
        end: factor after the last step, 0 to 1.
    """
    for name, value, high in (("warmup", warmup, 0.999), ("start", start, 1), ("end", end, 1)):
        _check("one_cycle", name, value, 0, high)
    return join(
        (warmup, lambda p: start + (1 - start) * (1 - math.cos(math.pi * p)) / 2),
        (1 - warmup, lambda p: end + (1 - end) * (1 + math.cos(math.pi * p)) / 2),
    )


def join(*pieces: tuple[float, Schedule]) -> Schedule:
    """One schedule after another, each over its share of the training with a progress of its own from 0 to 1.

        >>> schedule = join((0.1, lambda p: p), (0.9, cosine()))
        >>> schedule(0.05), schedule(0.1), schedule(1.0)
        (0.5, 1.0, 0.0)

    Args:
        pieces: pairs (share, schedule); the shares, 0 to 1, add up to 1.
    """
    shares = [share for share, _ in pieces]
    numbers = all(isinstance(share, int | float) and share >= 0 for share in shares)
    if not numbers or not math.isclose(sum(shares), 1):
        raise UsageError(f"shares {shares}", where="join", expected="numbers from 0 that add up to 1")

    def factor(progress: float) -> float:
        begin, progress = 0.0, min(1.0, max(0.0, progress))  # a schedule ends where the training ends
        for share, schedule in pieces[:-1]:
            if progress < begin + share - 1e-12:  # 0.2 + 0.2 + 0.2 is a little more than 0.6
                return schedule((progress - begin) / share)
            begin += share
        return pieces[-1][1](min(1.0, (progress - begin) / (1 - begin)) if begin < 1 else 1.0)

    return factor


def _after_warmup(share: float, then: Schedule, where: str, name: str = "warmup") -> Schedule:
    _check(where, name, share, 0, 0.999)
    return join((share, lambda p: _FIRST + (1 - _FIRST) * p), (1 - share, then))


def _check(where: str, name: str, value: Any, low: float, high: float) -> None:
    if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= high:
        raise UsageError(f"{name} cannot be {value!r}", where=where, expected=f"a number from {low:g} to {high:g}")
