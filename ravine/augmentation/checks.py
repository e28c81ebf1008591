"""Settings are refused where they enter, by name and with what is allowed."""

import math
from collections.abc import Iterable
from typing import Any

from ravine.errors import UsageError, did_you_mean


def number(part: str, name: str, value: Any, low: float = 0.0, high: float = math.inf) -> float:
    """`value`, if it is a number from `low` to `high`. Raises UsageError otherwise."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= high:
        words = f"a number from {low:g} to {high:g}" if high < math.inf else f"a number, {low:g} or more"
        raise UsageError(f"{name} cannot be {value!r}", where=part, expected=words)
    return value


def whole(part: str, name: str, value: Any, low: int = 0, high: int | None = None) -> int:
    """`value`, if it is a whole number from `low` to `high`. Raises UsageError otherwise."""
    inside = isinstance(value, int) and low <= value and (high is None or value <= high)
    if isinstance(value, bool) or not inside:
        words = f"a whole number, {low} or more" if high is None else f"a whole number from {low} to {high}"
        raise UsageError(f"{name} cannot be {value!r}", where=part, expected=words)
    return value


def pixels(part: str, name: str, value: Any) -> int | float:
    """`value`, if it is pixels (a whole number) or a share of the side (a number below 1). Raises UsageError."""
    if isinstance(value, float) and 0 <= value < 1:
        return value
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        words = "a whole number of pixels, 0 or more, or a share of the side, below 1"
        raise UsageError(f"{name} cannot be {value!r}", where=part, expected=words)
    return value


def interval(part: str, name: str, value: Any, low: float, high: float) -> tuple[float, float]:
    """`value` as (from, to), if it is two numbers in order from `low` to `high`. Raises UsageError otherwise."""
    pair = tuple(value) if isinstance(value, list | tuple) else ()
    if (
        len(pair) != 2
        or any(isinstance(end, bool) or not isinstance(end, int | float) for end in pair)
        or not low <= pair[0] <= pair[1] <= high
    ):
        words = f"two numbers in order, from {low:g} to {high:g}"
        raise UsageError(f"{name} cannot be {value!r}", where=part, expected=words)
    return float(pair[0]), float(pair[1])


def probability(part: str, p: Any) -> float:
    """`p`, if it is a number from 0 to 1. Raises UsageError otherwise."""
    return number(part, "p", p, 0, 1)


def one_of(part: str, name: str, value: Any, known: Iterable[str]) -> str:
    """`value`, if it is among the known words. Raises UsageError otherwise."""
    known = list(known)
    if value not in known:
        cure = did_you_mean(str(value), known)
        raise UsageError(f"{name} cannot be {value!r}", where=part, expected=f"one of {', '.join(known)}", cure=cure)
    return value
