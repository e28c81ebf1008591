"""Accuracy against depth as SVG, written by hand: a line for each way to treat the first blocks.

Colours are classes, so that a page and a file of its own can be light or dark; each line has a mark of its own, too.
"""

import math
from collections.abc import Callable
from html import escape
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from ravine.transfer.what_transfers import Transfer

_WIDTH, _HEIGHT = 980, 470
_LEFT, _RIGHT, _TOP, _BOTTOM = 58, 700, 16, 352
_LINE = 17  # between two names
# in the order in which they are drawn: the last one lies on top
_NAMES = {
    "random": "random and frozen",
    "whole": "all kept, first d frozen",
    "tuned": "kept and fine-tuned",
    "frozen": "kept and frozen",
}
Place = Callable[[float, float], tuple[float, float]]


def curve(found: "Transfer") -> str:
    """Means over seeds as lines, seeds as dots, 95% t intervals over seeds on these images as bands."""
    low, high, ticks = _scale([float(a) for line in _NAMES for d in found.depths for a in _each(found, line, d)])
    last = found.depths[-1]

    def at(depth: float, accuracy: float) -> tuple[float, float]:
        x = _LEFT + 20 + depth / last * (_RIGHT - _LEFT - 40)
        y = _BOTTOM - (accuracy - low) / (high - low) * (_BOTTOM - _TOP)
        return round(x, 1), round(min(max(y, _TOP), _BOTTOM), 1)

    parts = [f'<path class="grid" d="M{_LEFT} {at(0, t)[1]}H{_RIGHT}"/>' for t in ticks]
    digits = 0 if all(abs(100 * t - round(100 * t)) < 1e-6 for t in ticks) else 1
    parts += [_text(_LEFT - 10, at(0, t)[1] + 4, f"{100 * t:.{digits}f}%", "end") for t in ticks]
    parts += _axis(found, at)
    scratch = at(0, found.accuracy("scratch", 0))[1]
    parts.append(f'<path class="scratch" d="M{_LEFT} {scratch}H{_RIGHT}"/>')
    for line in _NAMES:
        parts += _drawn(found, line, at)
    title = f"Accuracy against depth: {found.verdict.title}"
    return _svg(title, [*parts, *_ends(found, at)])


def _each(found: "Transfer", line: str, depth: int) -> np.ndarray:
    """The seeds' accuracies, `[K]`."""
    return found.answers(line, depth).mean(1)


def _drawn(found: "Transfer", line: str, at: Place) -> list[str]:
    points = [(d, _each(found, line, d)) for d in found.depths]
    means = [at(d, float(each.mean())) for d, each in points]
    parts = []
    if found.seeds > 2 and line != "whole":
        halves = [_half(each) for _, each in points]
        over = [at(d, float(each.mean()) + half) for (d, each), half in zip(points, halves, strict=True)]
        under = [at(d, float(each.mean()) - half) for (d, each), half in zip(points, halves, strict=True)]
        parts.append(f'<path class="band {line}" d="M{_path([*over, *reversed(under)])}Z"/>')
    parts.append(f'<path class="line {line}" d="M{_path(means)}"/>')
    for (d, each), (x, y) in zip(points, means, strict=True):
        said = ", ".join(f"{accuracy:.1%}" for accuracy in each)
        words = f"{_NAMES[line]}, d = {d}: {each.mean():.1%}, seeds {said}"
        parts += [f'<circle class="seed {line}" cx="{x}" cy="{at(d, float(one))[1]}" r="2.5"/>' for one in each]
        parts.append(f"{_mark(line, x, y)}<title>{escape(words)}</title></path>")
    return parts


def _half(each: np.ndarray) -> float:
    """t s / sqrt(K): of the mean over seeds, on these very images."""
    from scipy.special import stdtrit

    return float(stdtrit(len(each) - 1, 0.975) * each.std(ddof=1) / len(each) ** 0.5)


def _mark(line: str, x: float, y: float) -> str:
    """A dot, a square, a triangle or a diamond, as an open path element."""
    shapes = {
        "frozen": f"M{x - 5} {y}a5 5 0 1 0 10 0a5 5 0 1 0 -10 0Z",
        "tuned": f"M{x - 4.5} {y - 4.5}h9v9h-9Z",
        "random": f"M{x} {y - 5.5}l5.5 9.5h-11Z",
        "whole": f"M{x} {y - 5}l5 5l-5 5l-5 -5Z",
    }
    return f'<path class="mark {line}" d="{shapes[line]}">'


def _axis(found: "Transfer", at: Place) -> list[str]:
    """Depths, under each the block that it ends with, and how far the blocks carry over."""
    parts = []
    for d in found.depths:
        x = at(d, 0)[0]
        parts.append(f'<path class="axis" d="M{x} {_BOTTOM}v5"/>')
        parts.append(_text(x, _BOTTOM + 20, str(d), "middle", "strong"))
        name = found.blocks[d - 1] if d else "none"
        name = name if len(name) <= 16 else f"{name[:15]}…"
        parts.append(
            f'<text transform="translate({x + 4} {_BOTTOM + 34}) rotate(-32)" text-anchor="end">{escape(name)}</text>'
        )
    parts.append(f'<path class="axis" d="M{_LEFT} {_BOTTOM}H{_RIGHT}"/>')
    parts.append(_text((_LEFT + _RIGHT) / 2, _HEIGHT - 8, "d: the first d blocks, up to the one named", "middle"))
    if found.verdict.carried:
        left, right = at(0, 0)[0], at(found.verdict.carried, 0)[0]
        parts.insert(
            0, f'<rect class="carried" x="{left}" y="{_TOP}" width="{right - left:.1f}" height="{_BOTTOM - _TOP}"/>'
        )
        parts.append(_text(left + 6, _TOP + 14, "carries over", "start", "frozen"))
    return parts


def _ends(found: "Transfer", at: Place) -> list[str]:
    """What the lines are, in words to their right, moved apart where they would touch."""
    last = found.depths[-1]
    labels = [
        (at(last, found.accuracy(line, last))[1], line, name, found.accuracy(line, last))
        for line, name in _NAMES.items()
    ]
    labels.append((at(0, found.accuracy("scratch", 0))[1], "scratch", "from scratch", found.accuracy("scratch", 0)))
    labels.sort(key=lambda label: label[0])
    places = [label[0] for label in labels]
    for i in range(1, len(places)):
        places[i] = max(places[i], places[i - 1] + _LINE)
    for i in reversed(range(len(places))):
        places[i] = min(places[i], _BOTTOM if i == len(places) - 1 else places[i + 1] - _LINE)
    parts = []
    for (y, line, name, accuracy), place in zip(labels, places, strict=True):
        parts.append(f'<path class="lead" d="M{_RIGHT - 12} {y}L{_RIGHT + 12} {place:.1f}"/>')
        parts.append(_text(_RIGHT + 17, place + 4, f"{name}, {accuracy:.1%}", "start", f"name {line}"))
    return parts


def _scale(accuracies: list[float]) -> tuple[float, float, list[float]]:
    """The edges of the plot, a little beyond these accuracies, and the round ones between."""
    low, high = min(accuracies), max(accuracies)
    span = max(high - low, 0.004)
    low, high = low - 0.12 * span, high + 0.12 * span
    step = next(s for s in (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5) if (high - low) / s <= 7)
    ticks = [i * step for i in range(math.ceil(low / step), math.floor(high / step) + 1)]
    return low, high, [tick for tick in ticks if 0 <= tick <= 1 + 1e-9]


def _path(points: list[tuple[float, float]]) -> str:
    return "L".join(f"{x} {y}" for x, y in points)


def _text(x: float, y: float, words: str, anchor: str, kind: str = "") -> str:
    return f'<text class="{kind}" x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{escape(words)}</text>'


def _svg(title: str, parts: list[str]) -> str:
    head = f'<svg class="transfers" xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img"'
    return "\n".join([f'{head} width="{_WIDTH}"><title>{escape(title)}</title>', *parts, "</svg>"]) + "\n"
