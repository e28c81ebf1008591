"""Accuracy against depth as SVG: a line for each way to treat the first blocks, each with a mark of its own."""

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
from markupsafe import Markup

from ravine import drawing

if TYPE_CHECKING:
    from ravine.transfer.what_transfers import Transfer

_WIDTH, _HEIGHT = 980, 470
_LEFT, _RIGHT, _TOP, _BOTTOM = 58, 700, 16, 352
# in the order in which they are drawn: the last one lies on top
_NAMES = {
    "random": "random and frozen",
    "whole": "all kept, first d frozen",
    "tuned": "kept and fine-tuned",
    "frozen": "kept and frozen",
}
Place = Callable[[float, float], tuple[float, float]]


def curve(found: "Transfer") -> Markup:
    """Means over seeds as lines, seeds as dots, 95% t intervals over seeds on these images as bands."""
    low, high, ticks = drawing.scale(float(a) for line in _NAMES for d in found.depths for a in _each(found, line, d))
    last = found.depths[-1]

    def at(depth: float, accuracy: float) -> tuple[float, float]:
        x = _LEFT + 20 + depth / last * (_RIGHT - _LEFT - 40)
        y = _BOTTOM - (accuracy - low) / (high - low) * (_BOTTOM - _TOP)
        return round(x, 1), round(min(max(y, _TOP), _BOTTOM), 1)

    parts = drawing.grid(ticks, lambda accuracy: at(0, accuracy)[1], _LEFT, _RIGHT)
    parts += [*_axis(found, at), *_ends(found, at)]
    scratch = at(0, found.accuracy("scratch", 0))[1]
    parts.append(f'<path class="line scratch" d="M{_LEFT} {scratch}H{_RIGHT}"/>')
    for line in _NAMES:
        parts += _drawn(found, line, at)
    title = f"Accuracy against depth: {found.verdict.title}"
    return drawing.svg("transfers", _WIDTH, _HEIGHT, title, parts)


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
        parts.append(f'<path class="band {line}" d="{drawing.path([*over, *reversed(under)])}Z"/>')
    parts.append(f'<path class="line {line}" d="{drawing.path(means)}"/>')
    for (d, each), (x, y) in zip(points, means, strict=True):
        said = ", ".join(f"{accuracy:.1%}" for accuracy in each)
        words = f"{_NAMES[line]}, d = {d}: {each.mean():.1%}, seeds {said}"
        parts += [f'<circle class="seed {line}" cx="{x}" cy="{at(d, float(one))[1]}" r="2.5"/>' for one in each]
        parts.append(f"{_mark(line, x, y)}<title>{drawing.words(words)}</title></path>")
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
        parts.append(drawing.text(x, _BOTTOM + 20, str(d), "middle", "strong"))
        name = found.blocks[d - 1] if d else "none"
        name = name if len(name) <= 16 else f"{name[:15]}…"
        turned = f'transform="translate({x + 4} {_BOTTOM + 34}) rotate(-32)"'
        parts.append(f'<text {turned} text-anchor="end">{drawing.words(name)}</text>')
    parts.append(f'<path class="axis" d="M{_LEFT} {_BOTTOM}H{_RIGHT}"/>')
    parts.append(
        drawing.text((_LEFT + _RIGHT) / 2, _HEIGHT - 8, "d: the first d blocks, up to the one named", "middle")
    )
    if found.verdict.carried:
        left, right = at(0, 0)[0], at(found.verdict.carried, 0)[0]
        size = f'width="{right - left:.1f}" height="{_BOTTOM - _TOP}"'
        parts.insert(0, f'<rect class="carried" x="{left}" y="{_TOP}" {size}/>')
        parts.append(drawing.text(left + 6, _TOP + 14, "carries over", "start", "name frozen"))
    return parts


def _ends(found: "Transfer", at: Place) -> list[str]:
    """What the lines are, in words to their right."""
    last, scratch = found.depths[-1], found.accuracy("scratch", 0)
    ends = [(line, name, found.accuracy(line, last)) for line, name in _NAMES.items()]
    ends.append(("scratch", "from scratch", scratch))
    labels = [(at(last, accuracy)[1], line, f"{name}, {accuracy:.1%}") for line, name, accuracy in ends]
    return drawing.names(labels, _RIGHT, _BOTTOM)
