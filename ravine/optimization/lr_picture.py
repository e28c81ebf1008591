"""Pictures of a range test: a file, characters for a terminal. They are drawn in lr_svg.py and lr_page.py."""

import json
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING

from ravine.errors import SaveError, UsageError
from ravine.optimization.lr_frame import Frame, frame
from ravine.optimization.lr_page import lr_page
from ravine.optimization.lr_svg import svg

if TYPE_CHECKING:
    from ravine.optimization.range_test import RangeTest


def save(test: "RangeTest", path: str | PathLike[str]) -> None:
    """Writes `.html`, `.svg` or `.json`, by the path's ending. Raises UsageError for another, SaveError."""
    path = checked(path)
    writers = {
        ".html": lambda: lr_page(test),
        ".svg": lambda: svg(test),
        ".json": lambda: json.dumps(test.to_json(), indent=1, allow_nan=False) + "\n",
    }
    try:
        path.write_text(writers[path.suffix.lower()](), encoding="utf-8")
    except OSError as error:
        raise SaveError(f"cannot be written ({error.strerror})", where=str(path)) from error


def checked(path: str | PathLike[str]) -> Path:
    """The path, if a range test can be saved there. Raises UsageError."""
    if Path(path).suffix.lower() not in (".html", ".svg", ".json"):
        raise UsageError("cannot draw that", where=str(path), expected="a name that ends in .html, .svg or .json")
    return Path(path)


def text(test: "RangeTest", width: int, height: int) -> str:
    """The mean as bars, under them an axis with a mark at each power of ten, the range and the suggestion."""
    if not test.smoothed:
        return "no finite loss to draw"
    seen, n = frame(test), len(test.smoothed)
    levels = [seen.up(test.smoothed[round(c * (n - 1) / (width - 1))]) for c in range(width)]
    eighths = [max(1, min(8 * height, round(8 * height * level))) for level in levels]
    rows = []
    for row in range(height - 1, -1, -1):
        value = f"{seen.high:.3g}" if row == height - 1 else f"{seen.low:.3g}" if row == 0 else ""
        bars = "".join(" ▁▂▃▄▅▆▇█"[max(0, min(8, e - 8 * row))] for e in eighths)
        rows.append(f"{value:>6} │{bars}".rstrip())
    return "\n".join([*rows, *_axis(seen, width), " " * 8 + _range(test, seen, width)])


def _column(seen: Frame, rate: float, width: int) -> int:
    return max(0, min(width - 1, round(seen.across(rate) * (width - 1))))


def _axis(seen: Frame, width: int) -> list[str]:
    line, names = ["─"] * width, [" "] * (width + 8)
    for power in seen.powers:
        at, name = _column(seen, 10.0**power, width), f"{10.0**power:g}"
        line[at] = "┴"
        start = max(0, at - len(name) // 2)
        if set(names[max(0, start - 1) : start + len(name) + 1]) == {" "}:
            names[start : start + len(name)] = name
    return [" " * 7 + "└" + "".join(line), " " * 8 + "".join(names).rstrip()]


def _range(test: "RangeTest", seen: Frame, width: int) -> str:
    """`├──▲───┤ lr 0.05`."""
    found = test.suggestion
    if not (found.low and found.high):
        return f"no valley; default lr {found.lr:g}"
    start, at, stop = (_column(seen, rate, width) for rate in (found.low, found.lr, found.high))
    marks = [" "] * start + ["─"] * (stop - start + 1)
    marks[start], marks[stop], marks[at] = "├", "┤", "▲"
    return "".join(marks) + f" lr {found.lr:g}"
