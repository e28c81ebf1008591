"""The report's pictures as SVG: accuracy against members, reliability, who differs from whom."""

import math

import numpy as np
from markupsafe import Markup

from ravine import drawing
from ravine.ensembles.reliability import Reliability
from ravine.ensembles.report import EnsembleReport

_WIDTH, _HEIGHT = 930, 380
_LEFT, _RIGHT, _TOP, _BOTTOM = 62, 700, 20, 328


def accuracy_chart(found: EnsembleReport) -> Markup:
    """Accuracy against the number of members: every subset a dot, their mean a line, the best on validation dashed."""
    every = np.concatenate([size.accuracy for size in found.sizes])
    low, high, ticks = drawing.scale(every.tolist())
    last = len(found.sizes)

    def at(members: float, accuracy: float) -> tuple[float, float]:
        x = _LEFT + 26 + (members - 1) / (last - 1) * (_RIGHT - _LEFT - 52)
        return round(x, 1), round(_BOTTOM - (accuracy - low) / (high - low) * (_BOTTOM - _TOP), 1)

    parts = drawing.grid(ticks, lambda accuracy: at(1, accuracy)[1], _LEFT, _RIGHT)
    step = math.ceil(last / 16)
    parts += [drawing.text(at(k, low)[0], _BOTTOM + 22, str(k), "middle") for k in range(1, last + 1, step)]
    parts.append(drawing.text((_LEFT + _RIGHT) / 2, _BOTTOM + 44, "members that vote", "middle"))
    for size in found.sizes[1:-1]:
        dots = (at(size.members, value) for value in np.unique(size.accuracy))
        parts += [f'<circle class="dot" cx="{x}" cy="{y}" r="3"/>' for x, y in dots]
    parts += _members(found, at)
    means = [at(size.members, float(size.accuracy.mean())) for size in found.sizes]
    parts += _ends(found, means, at)
    parts.append(f'<path class="line mean" d="{drawing.path(means)}"/>')
    parts += [f'<circle class="on" cx="{x}" cy="{y}" r="3.5"/>' for x, y in means]
    title = f"Accuracy against members: {found.verdict}"
    return drawing.svg("ens", _WIDTH, _HEIGHT, title, parts)


def reliability_chart(found: EnsembleReport) -> Markup:
    """Accuracy against confidence, before and after the temperature; a dot's area is its share of the images."""
    side, left, top = 260, 52, 14

    def at(confidence: float, accuracy: float) -> tuple[float, float]:
        return round(left + confidence * side, 1), round(top + (1 - accuracy) * side, 1)

    parts = []
    for tick in (0, 0.25, 0.5, 0.75, 1):
        x, y = at(tick, tick)
        parts.append(f'<path class="grid" d="M{left} {y}H{left + side}M{x} {top}V{top + side}"/>')
        parts.append(drawing.text(left - 8, y + 4, f"{tick:.0%}", "end"))
        parts.append(drawing.text(x, top + side + 19, f"{tick:.0%}", "middle"))
    parts.append(f'<path class="axis" stroke-dasharray="2 4" d="M{left} {top + side}L{left + side} {top}"/>')
    bins: list[tuple[str, str, Reliability]] = [("before", "second", found.before)]
    bins += [("after", "on", found.after)] if found.after else []
    for line, dot, of in bins:
        there = of.count > 0
        points = [at(c, a) for c, a in zip(of.confidence[there], of.accuracy[there], strict=True)]
        radii = 2 + 12 * np.sqrt(of.count[there] / of.count.sum())
        parts.append(f'<path class="line {line}" d="{drawing.path(points)}"/>')
        parts += [
            f'<circle class="{dot}" opacity=".75" cx="{x}" cy="{y}" r="{r:.1f}"/>'
            for (x, y), r in zip(points, radii, strict=True)
        ]
    parts.append(drawing.text(left + side / 2, top + side + 40, "confidence", "middle"))
    middle = f"translate(12 {top + side / 2}) rotate(-90)"
    parts.append(f'<text transform="{middle}" text-anchor="middle">accuracy</text>')
    return drawing.svg("ens", left + side + 22, top + side + 52, "Accuracy against confidence", parts)


def matrix_chart(found: EnsembleReport) -> Markup:
    """Above the diagonal how often two members differ, below it how their errors correlate."""
    members = len(found.each)
    cell = max(8, min(56, 300 // members))
    parts = []
    most = max(float(found.disagreement.max()), 1e-9)
    for i in range(members):
        for j in range(members):
            x, y = 26 + j * cell, 22 + i * cell
            value, kind, shown = found.disagreement[i, j], "cell", f"{100 * found.disagreement[i, j]:.0f}"
            opacity = 0.75 * value / most
            if i > j:
                value, kind = found.error_correlation[i, j], "other"
                shown, opacity = ("-" if np.isnan(value) else f"{value:.2f}"), 0.75 * float(np.nan_to_num(value))
            if i == j:
                opacity, shown = 0.0, ""
            title = drawing.words(f"{found.each[i].name} and {found.each[j].name}: {shown}")
            size = f'width="{cell - 2}" height="{cell - 2}" rx="3"'
            place = f'x="{x}" y="{y}" {size} opacity="{max(0.0, opacity):.2f}"'
            parts.append(f'<rect class="{kind}" {place}><title>{title}</title></rect>')
            if cell >= 30 and shown:
                parts.append(drawing.text(x + cell / 2 - 1, y + cell / 2 + 3, shown, "middle", "number"))
        if cell >= 14:
            parts.append(drawing.text(18, 22 + i * cell + cell / 2 + 3, str(i), "end"))
            parts.append(drawing.text(26 + i * cell + cell / 2 - 1, 14, str(i), "middle"))
    side = 26 + members * cell + 4
    return drawing.svg("ens", side, side, "Disagreement above the diagonal, correlation of errors below it", parts)


def _members(found: EnsembleReport, at) -> list[str]:
    """The members as dots side by side, where one votes alone."""
    parts, gap = [], min(6.0, 40 / len(found.each))
    for k, one in enumerate(found.each):
        x, y = at(1, one.accuracy)
        shift = (k - (len(found.each) - 1) / 2) * gap
        title = f"<title>{drawing.words(one.name)}: {one.accuracy:.1%}</title>"
        parts.append(f'<circle class="member" cx="{x + shift:.1f}" cy="{y}" r="3">{title}</circle>')
    return parts


def _ends(found: EnsembleReport, means: list[tuple[float, float]], at) -> list[str]:
    """What the line's ends are worth, in words to its right."""
    labels = [(means[-1][1], "strong", f"vote {found.vote.accuracy:.1%}")]
    labels.append((means[0][1], "", f"mean member {found.mean.accuracy:.1%}"))
    lines = [f'<path class="axis" opacity=".5" stroke-dasharray="2 4" d="M{means[0][0]} {means[0][1]}H{_RIGHT}"/>']
    if found.best is not None:
        y = at(1, found.each[found.best].accuracy)[1]
        lines.append(f'<path class="line best" d="M{means[0][0]} {y}H{_RIGHT}"/>')
        labels.append((y, "best", f"best on validation {found.each[found.best].accuracy:.1%}"))
    return [*drawing.names(labels, _RIGHT, _BOTTOM), *lines]
