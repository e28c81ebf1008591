"""Blocks chosen by a text: the grammar of --freeze and --keep."""

import re
from collections.abc import Sequence

from ravine.errors import UsageError, did_you_mean, listed

_WORDS = 'none, all, "all but head", "first 3", or blocks'
_MOST = 20  # names in a message


def chosen(names: Sequence[str], text: str, flag: str) -> tuple[bool, ...]:
    """Which of the blocks a text means.

        none, all            no block, every block
        all but head         all but these: one name or several
        first 3              the first three, 0 to all
        stem, layer1         these; layer1 is also every block whose name begins with "layer1."

    Capital letters do not matter, but where names of blocks differ in them alone.

    Args:
        names: of the blocks, head last.
        text: as above.
        flag: named where the text cannot be.

    Raises:
        UsageError: a name that there is not, or too large a number.
    """
    words = " ".join(text.split())
    if words.lower() in ("none", "all"):
        return (words.lower() == "all",) * len(names)
    if number := re.fullmatch(r"first (\d{1,9})", words, re.IGNORECASE):
        if int(number[1]) > len(names):
            what = f"there are {len(names)} blocks: {', '.join(names)}"
            raise UsageError(what, where=f"{flag} {text!r}", expected=f"first 0 to first {len(names)}")
        return tuple(i < int(number[1]) for i in range(len(names)))
    rest = re.sub("^all but ", "", words, flags=re.IGNORECASE)
    named = _named(names, rest, f"{flag} {text!r}")
    return named if rest == words else tuple(not one for one in named)


def _named(names: Sequence[str], text: str, where: str) -> tuple[bool, ...]:
    parts = [name.split(".") for name in names]
    known = {".".join(part[:i]) for part in parts for i in range(1, len(part) + 1)}
    expected, asked = f"{_WORDS}: {listed(names, _MOST)}", []
    for one in (one.strip() for one in text.split(",")):
        if not one:
            raise UsageError("no name", where=where, expected=expected)
        meant = [one] if one in known else [name for name in known if name.lower() == one.lower()]
        if len(meant) != 1:
            raise UsageError(
                f"there is no block {one!r}", where=where, expected=expected, cure=did_you_mean(one, known)
            )
        asked += meant
    return tuple(any(f"{name}.".startswith(f"{one}.") for one in asked) for name in names)
