"""The masks of a network as a picture: an SVG of a few kilobytes, and a page with the numbers under it."""

from collections.abc import Callable, Sequence

from markupsafe import Markup

from ravine import drawing
from ravine.colours import text_of
from ravine.ensembles.mask_report import MaskReport
from ravine.page import render

Place = Callable[[float], float]
_WIDTH, _HEIGHT = 880, 460
_LEFT, _RIGHT, _TOP, _BOTTOM = 70, 635, 70, 396  # of the plot; the lines' names stand right of it


def svg(report: MaskReport, title: str = "Each dropout mask is one model") -> str:
    """The picture as an SVG file, light or dark as the reader's system is."""
    return drawing.dressed(_drawn(report, title, titled=True), text_of("ravine.ensembles", "masks.css"))


def page(report: MaskReport, title: str, sentences: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """One HTML file that needs nothing else: the picture, sentences, and a table whose first row is its head."""
    return render(
        text_of("ravine.ensembles", "masks.html.jinja"),
        title=title,
        style=text_of("ravine.ensembles", "masks.css"),
        sentences=sentences,
        rows=rows,
        drawing=_drawn(report, title, titled=False),
    )


def _drawn(report: MaskReport, title: str, titled: bool) -> Markup:
    """A dot for each mask, the average over all masks so far as a line, the other contenders as level lines."""
    shown = [*report.each, *report.curve, report.whole.quality.accuracy]
    low, high, ticks = drawing.scale([*shown, *(one.quality.accuracy for one in report.ensembles)])
    n = len(report.each)

    def x(m: float) -> float:
        return round(_LEFT + (_RIGHT - _LEFT) * (m - 0.5) / n, 1)

    def y(accuracy: float) -> float:
        return round(_BOTTOM - (_BOTTOM - _TOP) * (accuracy - low) / (high - low), 1)

    lines = [("whole", "dropout off", report.whole.quality.accuracy)]
    lines += [("true", one.quality.name, one.quality.accuracy) for one in report.ensembles]
    ends = [*lines, ("mean", f"average of {n}", float(report.curve[-1]))]
    parts = [drawing.text(_LEFT, 28, title, kind="title strong")] if titled else []
    parts += [*drawing.grid(ticks, y, _LEFT, _RIGHT), *_axes(report, x)]
    parts += drawing.names([(y(a), kind, f"{name}, {a:.1%}") for kind, name, a in ends], _RIGHT, _BOTTOM)
    parts += [f'<circle class="dot" cx="{x(m)}" cy="{y(a)}" r="4"/>' for m, a in enumerate(report.each, 1)]
    parts += [f'<path class="line {kind}" d="M{_LEFT} {y(value)}H{_RIGHT}"/>' for kind, _, value in lines]
    parts.append(f'<path class="line mean" d="{drawing.path((x(m), y(a)) for m, a in enumerate(report.curve, 1))}"/>')
    return drawing.svg("masks", _WIDTH, _HEIGHT, title, parts)


def _axes(report: MaskReport, x: Place) -> list[str]:
    parts, n = [], len(report.each)
    every = next(step for step in (1, 2, 5, 10, 20, 50, 100, 200) if n / step <= 12)
    parts += [drawing.text(x(m), _BOTTOM + 20, str(m), "middle") for m in sorted({1, *range(every, n + 1, every)})]
    parts.append(f'<path class="axis" d="M{_LEFT} {_BOTTOM}H{_RIGHT}"/>')
    said = "mask; for the line: forward passes, the masks averaged so far"
    parts.append(drawing.text((_LEFT + _RIGHT) / 2, _BOTTOM + 46, said, "middle"))
    return [*parts, drawing.text(_LEFT, 50, f"accuracy on {report.n:,} images; dots: each mask alone")]
