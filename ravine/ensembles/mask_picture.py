"""The masks of a network as a picture: an SVG of a few kilobytes, and a page with the numbers under it."""

import base64
import hashlib
import math
from collections.abc import Callable, Sequence
from html import escape
from importlib.resources import files

from jinja2 import Environment, StrictUndefined
from markupsafe import Markup

from ravine.ensembles.mask_report import MaskReport

Place = Callable[[float], float]
_WIDTH, _HEIGHT = 880, 460
_LEFT, _RIGHT, _TOP, _BOTTOM = 70, 635, 70, 396  # of the plot; the lines' names stand right of it
_LINE = 19  # pixels between two names
_STYLE = """
svg { --ink: #24303c; --faint: #66727f; --grid: #e4e8ec; --back: #fff; --dot: #8aa0b8; --mean: #1f4e79;
  --whole: #b3541e; --true: #1e7a46; background: var(--back) }
@media (prefers-color-scheme: dark) { svg { --ink: #e3e8ee; --faint: #98a4b1; --grid: #2b333d; --back: #14181d;
  --dot: #6d8199; --mean: #7db6ec; --whole: #f0a36c; --true: #6fcf97 } }
text { font: 13px system-ui, sans-serif; fill: var(--ink) } .title { font-size: 17px; font-weight: 600 }
.small { fill: var(--faint) } .grid { stroke: var(--grid) } .axis { stroke: var(--faint) } path { fill: none }
.dot { fill: var(--dot); opacity: .75 } .mean { stroke: var(--mean); stroke-width: 2.5; stroke-linejoin: round }
.whole { stroke: var(--whole); stroke-width: 2; stroke-dasharray: 7 4 } .true { stroke: var(--true); stroke-width: 2 }
.lead { stroke: var(--grid) } text.mean { fill: var(--mean) } text.whole { fill: var(--whole) }
text.true { fill: var(--true) } text.mean, text.whole, text.true { stroke: none; font-weight: 600 }"""


def svg(report: MaskReport, title: str = "Each dropout mask is one model") -> str:
    """A dot for each mask, the average over all masks so far as a line, the other contenders as level lines."""
    low, high, values = _range(report)
    n = len(report.each)

    def x(m: float) -> float:
        return round(_LEFT + (_RIGHT - _LEFT) * (m - 0.5) / n, 1)

    def y(accuracy: float) -> float:
        return round(_BOTTOM - (_BOTTOM - _TOP) * (accuracy - low) / (high - low), 1)

    size = f'viewBox="0 0 {_WIDTH} {_HEIGHT}" width="{_WIDTH}" height="{_HEIGHT}"'
    parts = [f'<svg xmlns="http://www.w3.org/2000/svg" {size} role="img"><style>{_STYLE}</style>']
    parts += [f'<text class="title" x="{_LEFT}" y="28">{escape(title)}</text>'] if title else []
    parts += [*_axes(report, x, y, values)]
    parts += [f'<circle class="dot" cx="{x(m)}" cy="{y(a)}" r="4"/>' for m, a in enumerate(report.each, 1)]
    lines = [("whole", f"dropout off, {report.whole.quality.accuracy:.1%}", report.whole.quality.accuracy)]
    true = [one.quality for one in report.ensembles]
    lines += [("true", f"{one.name}, {one.accuracy:.1%}", one.accuracy) for one in true]
    parts += [f'<path class="{kind}" d="M{_LEFT} {y(value)}H{_RIGHT}"/>' for kind, _, value in lines]
    curve = "L".join(f"{x(m)} {y(a)}" for m, a in enumerate(report.curve, 1))
    parts.append(f'<path class="mean" d="M{curve}"/>')
    lines.append(("mean", f"average of {n}, {report.curve[-1]:.1%}", float(report.curve[-1])))
    return "\n".join([*parts, *_names(lines, y), "</svg>"]) + "\n"


def page(report: MaskReport, title: str, sentences: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """One HTML file that needs nothing else: the picture, sentences, and a table whose first row is its head."""
    style = _text("masks.css")
    shas = " ".join(f"'sha256-{_sha(text)}'" for text in (style, _STYLE))
    policy = f"default-src 'none'; style-src {shas}; img-src data:; base-uri 'none'; form-action 'none'"
    template = Environment(autoescape=True, undefined=StrictUndefined, keep_trailing_newline=True, trim_blocks=True)
    return template.from_string(_text("masks.html.jinja")).render(
        title=title,
        sentences=sentences,
        rows=rows,
        policy=policy,
        style=Markup(style),  # noqa: S704  ours
        drawing=Markup(svg(report, "")),  # noqa: S704  escaped
    )


def _text(name: str) -> str:
    return files("ravine.ensembles").joinpath(name).read_text(encoding="utf-8")


def _sha(text: str) -> str:
    return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def _range(report: MaskReport) -> tuple[float, float, list[float]]:
    """Lower and upper edge, and the accuracies that have a grid line: round ones."""
    shown = [*report.each, *report.curve, report.whole.quality.accuracy]
    shown += [one.quality.accuracy for one in report.ensembles]
    least, most = min(shown), max(shown)
    rough = max((most - least) / 5, 0.001)
    unit = 10 ** math.floor(math.log10(rough))
    step = next(unit * m for m in (1, 2, 5, 10) if unit * m >= rough * (1 - 1e-9))
    low, high = math.floor(least / step - 0.25) * step, min(math.ceil(most / step + 0.25) * step, 1 + step / 2)
    marks = range(math.ceil(low / step - 1e-9), math.floor(min(high, 1) / step + 1e-9) + 1)
    return low, high, [i * step for i in marks]


def _axes(report: MaskReport, x: Place, y: Place, values: list[float]) -> list[str]:
    parts, n = [], len(report.each)
    for value in values:
        parts.append(f'<path class="grid" d="M{_LEFT} {y(value)}H{_RIGHT}"/>')
        parts.append(f'<text x="{_LEFT - 10}" y="{y(value) + 4}" text-anchor="end">{100 * value:.4g}%</text>')
    every = next(step for step in (1, 2, 5, 10, 20, 50, 100, 200) if n / step <= 12)
    for m in sorted({1, *range(every, n + 1, every)}):
        parts.append(f'<text x="{x(m)}" y="{_BOTTOM + 20}" text-anchor="middle">{m}</text>')
    parts.append(f'<path class="axis" d="M{_LEFT} {_BOTTOM}H{_RIGHT}"/>')
    said = "mask; for the line: forward passes, the masks averaged so far"
    centre = f'x="{(_LEFT + _RIGHT) / 2}" y="{_BOTTOM + 46}" text-anchor="middle"'
    parts.append(f'<text class="small" {centre}>{said}</text>')
    under = f"accuracy on {report.n:,} images; dots: each mask alone"
    return [*parts, f'<text class="small" x="{_LEFT}" y="50">{under}</text>']


def _names(lines: Sequence[tuple[str, str, float]], y: Place) -> list[str]:
    """The names of the lines right of the plot, pushed apart where they would lie on each other."""
    ordered = sorted(lines, key=lambda line: -line[2])
    places = [y(value) for _, _, value in ordered]
    for i in range(1, len(places)):
        places[i] = max(places[i], places[i - 1] + _LINE)
    over = max(0.0, places[-1] - _BOTTOM)
    for i in reversed(range(len(places))):
        limit = _BOTTOM if i == len(places) - 1 else places[i + 1] - _LINE
        places[i] = min(places[i], limit) if over else places[i]
    parts = []
    for (kind, name, value), place in zip(ordered, places, strict=True):
        parts.append(f'<path class="lead" d="M{_RIGHT} {y(value)}L{_RIGHT + 12} {place:.1f}"/>')
        parts.append(f'<text class="{kind}" x="{_RIGHT + 17}" y="{place + 4:.1f}">{escape(name)}</text>')
    return parts
