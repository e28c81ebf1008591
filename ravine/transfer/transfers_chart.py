"""Accuracy against depth as SVG: a line for each way to treat the first blocks, each with a mark of its own."""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
from markupsafe import Markup

from ravine import drawing

if TYPE_CHECKING:
    from ravine.transfer.what_transfers import Transfer


@dataclass(frozen=True)
class Frame:
    """Size of the chart, and the plot in it; what the lines are stands to its right or, if `below`, under it."""

    width: int
    height: int
    left: int
    right: int
    bottom: int
    below: bool = False
    letters: int = 16  # of a block's name below the axis
    top: int = 16


WIDE = Frame(980, 470, 58, 700, 352)
NARROW = Frame(344, 508, 46, 336, 290, below=True, letters=9)  # a phone held upright
# in the order in which they are drawn, from left to right at each depth: the last one lies on top
_NAMES = {
    "random": "random and frozen",
    "whole": "all kept, first d frozen",
    "tuned": "kept and fine-tuned",
    "frozen": "kept and frozen",
}
Place = Callable[[float, float], tuple[float, float]]


def curve(found: "Transfer", frame: Frame = WIDE) -> Markup:
    """Means over seeds as lines, seeds as dots, 95% t intervals over seeds on these images as bars.

    At each depth the lines stand side by side, so that no bar hides another.
    """
    low, high, ticks = drawing.scale(float(a) for line in _NAMES for d in found.depths for a in _each(found, line, d))
    last = found.depths[-1]

    def at(depth: float, accuracy: float) -> tuple[float, float]:
        x = frame.left + 22 + depth / last * (frame.right - frame.left - 44)
        y = frame.bottom - (accuracy - low) / (high - low) * (frame.bottom - frame.top)
        return round(x, 1), round(min(max(y, frame.top), frame.bottom), 1)

    parts = drawing.grid(ticks, lambda accuracy: at(0, accuracy)[1], frame.left, frame.right)
    parts += [*_axis(found, at, frame), *(_rows(found, frame) if frame.below else _ends(found, at, frame))]
    scratch = at(0, found.accuracy("scratch", 0))[1]
    parts.append(f'<path class="line scratch" d="M{frame.left} {scratch}H{frame.right}"/>')
    closest = min(at(right, 0)[0] - at(left, 0)[0] for left, right in pairwise(found.depths))
    apart = min(8, closest / 6)
    for i, line in enumerate(_NAMES):
        parts += _drawn(found, line, at, round((i - 1.5) * apart, 1))
    title = f"Accuracy against depth: {found.verdict.title}"
    return drawing.svg("transfers", frame.width, frame.height, title, parts)


def _each(found: "Transfer", line: str, depth: int) -> np.ndarray:
    """The seeds' accuracies, `[K]`."""
    return found.answers(line, depth).mean(1)


def _drawn(found: "Transfer", line: str, at: Place, aside: float) -> list[str]:
    """A line, `aside` pixels to the right of the depths."""
    points = [(d, _each(found, line, d)) for d in found.depths]
    means = [at(d, float(each.mean())) for d, each in points]
    means = [(round(x + aside, 1), y) for x, y in means]
    parts = []
    if found.seeds > 2:
        for (d, each), (x, _) in zip(points, means, strict=True):
            mean, half = float(each.mean()), _half(each)
            parts.append(f'<path class="interval {line}" d="M{x} {at(d, mean - half)[1]}V{at(d, mean + half)[1]}"/>')
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


def _axis(found: "Transfer", at: Place, frame: Frame) -> list[str]:
    """Depths, under each the block that it ends with, and how far the blocks carry over."""
    parts = []
    for d in found.depths:
        x = at(d, 0)[0]
        parts.append(f'<path class="axis" d="M{x} {frame.bottom}v5"/>')
        parts.append(drawing.text(x, frame.bottom + 20, str(d), "middle", "strong"))
        name = found.blocks[d - 1] if d else "none"
        name = name if len(name) <= frame.letters else f"{name[: frame.letters - 1]}…"
        turned = f'transform="translate({x + 4} {frame.bottom + 34}) rotate(-32)"'
        parts.append(f'<text {turned} text-anchor="end">{drawing.words(name)}</text>')
    parts.append(f'<path class="axis" d="M{frame.left} {frame.bottom}H{frame.right}"/>')
    middle = (frame.left + frame.right) / 2
    parts.append(drawing.text(middle, frame.bottom + 108, "d: the first d blocks, up to the one named", "middle"))
    if found.verdict.carried:
        left, right = at(0, 0)[0], at(found.verdict.carried, 0)[0]
        size = f'width="{right - left:.1f}" height="{frame.bottom - frame.top}"'
        parts.insert(0, f'<rect class="carried" x="{left}" y="{frame.top}" {size}/>')
        parts.append(drawing.text(left + 6, frame.top + 14, "carries over", "start", "name frozen"))
    return parts


def _said(found: "Transfer") -> list[tuple[str, float, str]]:
    """(line, accuracy at its end, what it is in words) of each line."""
    last = found.depths[-1]
    ends = [(line, found.accuracy(line, last), name) for line, name in _NAMES.items()]
    ends.append(("scratch", found.accuracy("scratch", 0), "from scratch"))
    return [(line, accuracy, f"{name}, {accuracy:.1%}") for line, accuracy, name in ends]


def _ends(found: "Transfer", at: Place, frame: Frame) -> list[str]:
    """What the lines are, in words to their right."""
    labels = [(at(0, accuracy)[1], line, words) for line, accuracy, words in _said(found)]
    return drawing.names(labels, frame.right, frame.bottom)


def _rows(found: "Transfer", frame: Frame) -> list[str]:
    """What the lines are, in rows below the plot, the best one first, each with its mark."""
    parts = []
    for i, (line, _, words) in enumerate(sorted(_said(found), key=lambda said: -said[1])):
        y = frame.bottom + 130 + 19 * i
        sign = f'<path class="line {line}" d="M{frame.left} {y}h24"/>'
        parts += [sign, "" if line == "scratch" else f"{_mark(line, frame.left + 12, y)}</path>"]
        parts.append(drawing.text(frame.left + 34, y + 4, words, kind=f"name {line}"))
    return parts
