"""A length of time as one types it: "5m" is 300 seconds."""

import re

from ravine.errors import UsageError

_EXPECTED = "a time such as 30s, 5m, 1h30m or 2h; auto, or none"


def seconds_in(text: str) -> float:
    """Seconds in "30s", "5m", "1h30m" or "90", which are seconds too.

        >>> seconds_in("1h30m")
        5400.0

    Raises:
        UsageError: no such time, or none at all.
    """
    number = r"(\d+(?:\.\d+)?)"
    found = re.fullmatch(rf"(?:{number}d)?(?:{number}h)?(?:{number}m)?(?:{number}s?)?", text.strip())
    units = (86400, 3600, 60, 1)
    seconds = sum(float(n or 0) * unit for n, unit in zip(found.groups(), units, strict=True)) if found else 0
    if not seconds:
        raise UsageError(f"cannot be {text!r}", where="--budget", expected=_EXPECTED)
    return float(seconds)


def in_words(seconds: float) -> str:
    """A time as `seconds_in` reads it: 300 is "5m", 5400 "1h30m", 7.5 "7.5s"."""
    if seconds < 60:
        return f"{seconds:.3g}s"
    whole = round(seconds)
    parts = ((whole // 3600, "h"), (whole % 3600 // 60, "m"), (whole % 60, "s"))
    return "".join(f"{n}{unit}" for n, unit in parts if n)
