"""Every way in which ravine refuses: one line that says what is wrong, where, what was expected and what to do.

The exit code of the command line is a property of the error, so Python code and shell scripts see the same kinds.
"""

from collections.abc import Collection, Iterable
from difflib import get_close_matches
from itertools import islice

_LONGEST = 100  # characters of a name in a list


class RavineError(Exception):
    """Base of all errors that a user can cause or cure.

    Args:
        what: what is wrong, in words ("class folder is empty").
        where: path, flag or setting, with the value received.
        expected: what would have been right.
        cure: what to do now.
    """

    exit_code = 1

    def __init__(self, what: str, *, where: str = "", expected: str = "", cure: str = ""):
        self.what, self.where, self.expected, self.cure = what, where, expected, cure
        line = f"{where}: {what}" if where else what
        if expected:
            line += f"; expected {expected}"
        if cure:
            line += f". {cure}"
        super().__init__(shown(" ".join(line.split())))  # one line, whatever a name or a foreign message brought in


class UsageError(RavineError, ValueError):
    """A flag, argument or setting that cannot be right."""

    exit_code = 2


class DataError(RavineError, ValueError):
    """The data (images, folders, weights files) cannot be used as they are."""

    exit_code = 3


class SaveError(RavineError, OSError):
    """Something could not be written; what was saved before is untouched."""

    exit_code = 4

    def __str__(self) -> str:  # OSError would print its own way
        return str(self.args[0])


class CheckpointError(RavineError):
    """No checkpoint that can be verified."""

    exit_code = 5


class RunInUseError(RavineError):
    """Another process is training in this run folder."""

    exit_code = 6


class NonFiniteLossError(RavineError, ArithmeticError):
    """The loss or its gradient became NaN or infinite; the update was not applied."""

    exit_code = 7


class MemoryExhaustedError(RavineError, MemoryError):
    """The machine or the GPU has no memory left for this step."""

    exit_code = 8


class Interrupted(RavineError):
    """A signal asked for the end; everything is saved. `exit_code` is 128 + the signal's number."""

    def __init__(self, signal_number: int, *, where: str = "", cure: str = ""):
        self.exit_code = 128 + signal_number
        super().__init__("interrupted, and saved", where=where, cure=cure)


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """`"Did you mean 'adam'?"`, or the list of known names where none is close."""
    known = sorted(known)
    if not known:
        return "It has none"
    close = get_close_matches(name, known, n=1, cutoff=0.6)
    return f"Did you mean {close[0]!r}?" if close else f"Known: {', '.join(known)}"


def shown(name: str) -> str:
    """A name as it can be printed anywhere: line breaks, control characters and undecodable bytes are escaped."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in name)


def listed(names: Collection[str], most: int = 3) -> str:
    """The first few of many names, long ones shortened: `"a, b, c and 7 more"`."""
    short = (name if len(name) <= _LONGEST else f"{name[: _LONGEST - 1]}…" for name in islice(names, most))
    first = ", ".join(map(shown, short))
    return first + (f" and {len(names) - most:,} more" if len(names) > most else "")
