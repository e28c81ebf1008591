"""The text of `--sweep`: names, and the values that lists and ranges mean."""

import math
import re

from ravine.errors import UsageError

_MOST = 1000  # members a recipe can have
_GRAMMAR = "name=[value, value], name=low..high or name=low..high:count, several separated by commas"
_PIECE = re.compile(r"\s*(\w+)\s*=\s*(\[[^\[\]]*\]|[^,\[\]]+?)\s*(?:,|$)")


def pieces_of(text: str) -> list[tuple[str, str]]:
    """Names with the text of their values. Raises UsageError where it cannot be read."""
    found, place = [], 0
    while place < len(text):
        piece = _PIECE.match(text, place)
        if piece is None:
            raise UsageError("cannot be read", where=f"--sweep {text!r}", expected=_GRAMMAR)
        found.append((piece[1], piece[2]))
        place = piece.end()
    for name, _ in found:
        if sum(name == other for other, _ in found) > 1:
            raise UsageError(f"{name} is given twice", where=f"--sweep {text!r}", expected="once")
    return found


def is_open(text: str) -> bool:
    """Whether this is a range that does not say how many values it has."""
    return ".." in text and ":" not in text


def values_of(name: str, text: str, count: int = 0) -> tuple[float, ...]:
    """The values that a list or a range names; `count` is that of an open range. Raises UsageError."""
    where = f"--sweep {name}={text}"
    try:
        if text.startswith("["):
            values = tuple(float(value) for value in text[1:-1].split(","))
        else:
            ends, _, own = text.partition(":")
            low, high = map(float, ends.split(".."))
            values = _spaced(low, high, int(own) if own else count, where)
    except ValueError as error:
        if isinstance(error, UsageError):
            raise
        raise UsageError("cannot be read", where=where, expected=_GRAMMAR) from None
    if not all(map(math.isfinite, values)):
        raise UsageError("not a finite number", where=where, expected="numbers")
    if len(set(values)) < len(values):
        if text.startswith("["):
            raise UsageError("a value is given twice", where=where, expected="each once")
        raise UsageError("values are equal to four digits", where=where, expected="fewer, or a wider range")
    return values


def _spaced(low: float, high: float, count: int, where: str) -> tuple[float, ...]:
    """`count` values from `low` to `high`, to four digits, the ends exactly: low (high / low)^(i / (count - 1))."""
    if low > high:
        raise UsageError("the range begins above its end", where=where, expected="low..high")
    if not 0 <= low < high < math.inf:
        raise UsageError("no range", where=where, expected="two different numbers, 0 or more")
    if not 2 <= count <= _MOST:
        raise UsageError(f"{count:,} values", where=where, expected=f"2 to {_MOST:,}, the most members")
    shares = [i / (count - 1) for i in range(1, count - 1)]
    inner = [high * share if low == 0 else low * (high / low) ** share for share in shares]
    return (low, *(float(f"{value:.4g}") for value in inner), high)
