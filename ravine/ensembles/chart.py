"""The report's pictures as SVG, written by hand: accuracy against members, reliability, who differs from whom.

Colours are classes, so that a page and a file of its own can be light or dark.
"""

import math
from html import escape

import numpy as np

from ravine.ensembles.reliability import Reliability
from ravine.ensembles.report import EnsembleReport

_WIDTH, _HEIGHT = 930, 380
_LEFT, _RIGHT, _TOP, _BOTTOM = 62, 700, 20, 328


def accuracy_chart(found: EnsembleReport) -> str:
    """Accuracy against the number of members: every subset a dot, their mean a line, the best on validation dashed."""
    every = np.concatenate([size.accuracy for size in found.sizes])
    low, high, ticks = _scale(float(every.min()), float(every.max()))
    last = len(found.sizes)

    def at(members: float, accuracy: float) -> tuple[float, float]:
        x = _LEFT + 26 + (members - 1) / (last - 1) * (_RIGHT - _LEFT - 52)
        return round(x, 1), round(_BOTTOM - (accuracy - low) / (high - low) * (_BOTTOM - _TOP), 1)

    parts = [f'<path class="grid" d="M{_LEFT} {at(1, t)[1]}H{_RIGHT}"/>' for t in ticks]
    digits = 0 if all(abs(100 * t - round(100 * t)) < 1e-6 for t in ticks) else 1
    parts += [_text(_LEFT - 10, at(1, t)[1] + 4, f"{100 * t:.{digits}f}%", "end") for t in ticks]
    step = math.ceil(last / 16)
    parts += [_text(at(k, low)[0], _BOTTOM + 22, str(k), "middle") for k in range(1, last + 1, step)]
    parts.append(_text((_LEFT + _RIGHT) / 2, _BOTTOM + 44, "members that vote", "middle"))
    for size in found.sizes[1:-1]:
        dots = (at(size.members, value) for value in np.unique(size.accuracy))
        parts += [f'<circle class="dot" cx="{x}" cy="{y}" r="3"/>' for x, y in dots]
    parts += _members(found, at)
    means = [at(size.members, float(size.accuracy.mean())) for size in found.sizes]
    parts.append(f'<path class="mean" d="M{"L".join(f"{x} {y}" for x, y in means)}"/>')
    parts += [f'<circle class="on" cx="{x}" cy="{y}" r="3.5"/>' for x, y in means]
    parts += _ends(found, means, at)
    title = f"Accuracy against members: {found.verdict}"
    return _svg(_WIDTH, _HEIGHT, title, parts)


def reliability_chart(found: EnsembleReport) -> str:
    """Accuracy against confidence, before and after the temperature; a dot's area is its share of the images."""
    side, left, top = 260, 52, 14

    def at(confidence: float, accuracy: float) -> tuple[float, float]:
        return round(left + confidence * side, 1), round(top + (1 - accuracy) * side, 1)

    parts = []
    for tick in (0, 0.25, 0.5, 0.75, 1):
        x, y = at(tick, tick)
        parts.append(f'<path class="grid" d="M{left} {y}H{left + side}M{x} {top}V{top + side}"/>')
        parts.append(_text(left - 8, y + 4, f"{tick:.0%}", "end"))
        parts.append(_text(x, top + side + 19, f"{tick:.0%}", "middle"))
    parts.append(f'<path class="axis" stroke-dasharray="2 4" d="M{left} {top + side}L{left + side} {top}"/>')
    bins: list[tuple[str, str, Reliability]] = [("before", "second", found.before)]
    bins += [("after", "on", found.after)] if found.after else []
    for line, dot, of in bins:
        there = of.count > 0
        points = [at(c, a) for c, a in zip(of.confidence[there], of.accuracy[there], strict=True)]
        radii = 2 + 12 * np.sqrt(of.count[there] / of.count.sum())
        parts.append(f'<path class="{line}" d="M{"L".join(f"{x} {y}" for x, y in points)}"/>')
        parts += [
            f'<circle class="{dot}" opacity=".75" cx="{x}" cy="{y}" r="{r:.1f}"/>'
            for (x, y), r in zip(points, radii, strict=True)
        ]
    parts.append(_text(left + side / 2, top + side + 40, "confidence", "middle"))
    middle = f"translate(12 {top + side / 2}) rotate(-90)"
    parts.append(f'<text transform="{middle}" text-anchor="middle">accuracy</text>')
    return _svg(left + side + 22, top + side + 52, "Accuracy against confidence", parts)


def matrix_chart(found: EnsembleReport) -> str:
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
            title = f"<title>{escape(found.each[i].name)} and {escape(found.each[j].name)}: {shown}</title>"
            size = f'width="{cell - 2}" height="{cell - 2}" rx="3"'
            place = f'x="{x}" y="{y}" {size} opacity="{max(0.0, opacity):.2f}"'
            parts.append(f'<rect class="{kind}" {place}>{title}</rect>')
            if cell >= 30 and shown:
                parts.append(_text(x + cell / 2 - 1, y + cell / 2 + 3, shown, "middle", "number"))
        if cell >= 14:
            parts.append(_text(18, 22 + i * cell + cell / 2 + 3, str(i), "end"))
            parts.append(_text(26 + i * cell + cell / 2 - 1, 14, str(i), "middle"))
    side = 26 + members * cell + 4
    return _svg(side, side, "Disagreement above the diagonal, correlation of errors below it", parts)


def _members(found: EnsembleReport, at) -> list[str]:
    """The members as dots side by side, where one votes alone."""
    parts, gap = [], min(6.0, 40 / len(found.each))
    for k, one in enumerate(found.each):
        x, y = at(1, one.accuracy)
        shift = (k - (len(found.each) - 1) / 2) * gap
        title = f"<title>{escape(one.name)}: {one.accuracy:.1%}</title>"
        parts.append(f'<circle class="member" cx="{x + shift:.1f}" cy="{y}" r="3">{title}</circle>')
    return parts


def _ends(found: EnsembleReport, means: list[tuple[float, float]], at) -> list[str]:
    """What the line's ends are worth, in words to its right, moved apart where they would touch."""
    labels = [(means[-1][1], "strong", f"vote {found.vote.accuracy:.1%}")]
    labels.append((means[0][1], "", f"mean member {found.mean.accuracy:.1%}"))
    parts = [f'<path class="axis" opacity=".5" stroke-dasharray="2 4" d="M{means[0][0]} {means[0][1]}H{_RIGHT}"/>']
    if found.best is not None:
        y = at(1, found.each[found.best].accuracy)[1]
        parts.append(f'<path class="best" d="M{means[0][0]} {y}H{_RIGHT}"/>')
        labels.append((y, "second", f"best on validation {found.each[found.best].accuracy:.1%}"))
    below = -math.inf
    for y, kind, words in sorted(labels):
        below = max(y + 4, below + 17)
        parts.append(_text(_RIGHT + 10, below, words, "start", kind))
    return parts


def _scale(low: float, high: float) -> tuple[float, float, list[float]]:
    """The edges of the plot, a little beyond these accuracies, and the round ones between."""
    span = max(high - low, 0.004)
    low, high = low - 0.1 * span, high + 0.1 * span
    step = next(s for s in (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5) if (high - low) / s <= 7)
    ticks = [i * step for i in range(math.ceil(low / step), math.floor(high / step) + 1)]
    return low, high, [tick for tick in ticks if 0 <= tick <= 1 + 1e-9]


def _text(x: float, y: float, words: str, anchor: str, kind: str = "") -> str:
    return f'<text class="{kind}" x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{escape(words)}</text>'


def _svg(width: float, height: float, title: str, parts: list[str]) -> str:
    head = f'<svg class="ens" xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" role="img"'
    return "\n".join([f'{head} width="{width}"><title>{escape(title)}</title>', *parts, "</svg>"]) + "\n"
