"""What the charts share: SVG written by hand, small, sharp at any size, and nothing to install.

Colours are classes and names (chart.css, colours.py), so that a page and a file of its own can be light or dark. On a
page (page.py) a chart is put as it is; `dressed` makes a file of it.
"""

import math
import re
from collections.abc import Callable, Iterable, Sequence
from html import escape
from itertools import accumulate

from markupsafe import Markup

from ravine.colours import text_of, tokens

_STEPS = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5)
# no XML may hold these, escaped or not
_FORBIDDEN = re.compile("[\0-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")


def svg(kind: str, width: float, height: float, title: str, parts: Iterable[str]) -> Markup:
    """The chart: elements from `parts`, in pixels from the upper left corner; `kind` is its class."""
    size = f'viewBox="0 0 {width} {height}" width="{width}"'
    head = f'<svg class="chart {kind}" xmlns="http://www.w3.org/2000/svg" {size} role="img">'
    drawn = "\n".join([f"{head}<title>{words(title)}</title>", *parts, "</svg>"]) + "\n"
    return Markup(drawn)  # noqa: S704  all words went through `words`


def dressed(chart: str, style: str = "") -> str:
    """A chart as the text of an SVG file: with the colours, the common style, its own, and paper behind it."""
    inside = f"<style>{tokens('.chart')}{text_of('ravine', 'chart.css')}{style}</style>"
    back = '<rect class="paper" width="100%" height="100%" rx="10"/>'
    return str(chart).replace("</title>\n", f"</title>\n{inside}\n{back}\n", 1)


def words(text: str) -> str:
    """Text that stands in XML as it is; a character that XML cannot hold becomes U+FFFD."""
    return escape(_FORBIDDEN.sub("\ufffd", text))


def text(x: float, y: float, said: str, anchor: str = "start", kind: str = "") -> str:
    """Words at a place, which is their `start`, `middle` or `end`."""
    return f'<text class="{kind}" x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{words(said)}</text>'


def path(points: Iterable[tuple[float, float]]) -> str:
    """The `d` of a line through points."""
    return "M" + "L".join(f"{x} {y}" for x, y in points)


def scale(shares: Iterable[float]) -> tuple[float, float, list[float]]:
    """The edges of a plot, a little beyond these shares (0 to 1), and the round ones between."""
    shares = list(shares)
    low, high = min(shares), max(shares)
    margin = 0.1 * max(high - low, 0.004)
    low, high = low - margin, high + margin
    step = next(step for step in _STEPS if (high - low) / step <= 7)
    ticks = [i * step for i in range(math.ceil(low / step), math.floor(high / step) + 1)]
    return low, high, [tick for tick in ticks if 0 <= tick <= 1 + 1e-9]


def grid(ticks: Sequence[float], y: Callable[[float], float], left: float, right: float) -> list[str]:
    """A line across the plot for each share, and its percentage to the left."""
    digits = 0 if all(abs(100 * tick - round(100 * tick)) < 1e-6 for tick in ticks) else 1
    lines = [f'<path class="grid" d="M{left} {y(tick)}H{right}"/>' for tick in ticks]
    return lines + [text(left - 10, y(tick) + 4, f"{100 * tick:.{digits}f}%", "end") for tick in ticks]


def names(lines: Iterable[tuple[float, str, str]], x: float, bottom: float) -> list[str]:
    """What the lines are, (height, kind, words) each, to the right of x, pushed apart where they would touch."""
    lines = sorted(lines, key=lambda line: line[0])
    places = apart([y for y, _, _ in lines], 17, bottom)
    parts = []
    for (y, kind, said), place in zip(lines, places, strict=True):
        parts.append(f'<path class="lead" d="M{x - 12} {y}L{x + 12} {place:.1f}"/>')
        parts.append(text(x + 17, place + 4, said, kind=f"name {kind}"))
    return parts


def apart(places: Sequence[float], gap: float, lowest: float) -> list[float]:
    """Ascending places, moved down and then up so that they are a gap apart and none is below `lowest`."""
    down = accumulate(places, lambda above, own: max(own, above + gap))
    up = accumulate(reversed(list(down)), lambda below, own: min(own, below - gap), initial=lowest + gap)
    return list(up)[:0:-1]
