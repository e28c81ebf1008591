"""Pictures of a range test: a plotly figure, a file, characters for a terminal. The SVG is drawn in lr_svg.py."""

import json
import math
from os import PathLike
from pathlib import Path
from textwrap import wrap
from typing import TYPE_CHECKING, Any

from ravine.errors import SaveError, UsageError
from ravine.optimization.lr_frame import Frame, frame
from ravine.optimization.lr_svg import svg

if TYPE_CHECKING:
    from ravine.optimization.range_test import RangeTest

_MEAN, _FAINT, _GOOD = "#1f4e79", "#9aa7b5", "#2a9d5c"


def figure(test: "RangeTest") -> Any:
    """A plotly figure: each loss faint, their mean, the range shaded, a line at the suggestion."""
    import plotly.graph_objects as go

    seen, found = frame(test), test.suggestion
    hover = "%{y:.4g}"
    faint, strong = {"color": _FAINT, "width": 1}, {"color": _MEAN, "width": 3}
    losses = go.Scatter(x=test.rates, y=test.losses, name="loss of a mini-batch", line=faint, hovertemplate=hover)
    mean = go.Scatter(x=test.rates, y=test.smoothed, name="mean", line=strong, hovertemplate=hover)
    made = go.Figure([losses, mean])
    if found.found:
        made.add_vrect(x0=found.low, x1=found.high, fillcolor=_GOOD, opacity=0.12, line_width=0)
    if found.lr > 0 and 0 <= seen.across(found.lr) <= 1:
        line = {"color": _GOOD if found.found else _FAINT, "width": 2, "dash": "solid" if found.found else "dash"}
        made.add_vline(x=found.lr, line=line)
        said = f"<b>{'lr' if found.found else 'default'} {found.lr:g}</b>"
        place = {"x": math.log10(found.lr), "y": 1, "yref": "paper", "yanchor": "bottom", "showarrow": False}
        made.add_annotation(text=said, font={"color": line["color"]}, **place)
    reason = "<br>".join(wrap(found.reason, 110))
    made.update_layout(
        template="plotly_white",
        title={"text": "Range test of the learning rate", "subtitle": {"text": reason}},
        font={"family": "system-ui, sans-serif", "size": 14},
        legend={"orientation": "h", "x": 1, "xanchor": "right", "y": -0.12},
        margin={"l": 70, "r": 40, "t": 140, "b": 80},
        hovermode="x unified",
    )
    rates = {"type": "log", "range": [seen.first, seen.last], "exponentformat": "power", "dtick": 1}
    made.update_xaxes(title="learning rate", hoverformat=".2g", showline=True, linecolor="#333", **rates)
    made.update_yaxes(title="training loss", range=[seen.low, seen.high], showline=True, linecolor="#333")
    return made


def save(test: "RangeTest", path: str | PathLike[str]) -> None:
    """Writes `.html`, `.svg` or `.json`, by the path's ending. Raises UsageError for another, SaveError."""
    path = checked(path)
    writers = {
        ".html": lambda: figure(test).to_html(include_plotlyjs=True, default_height="95vh"),
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
