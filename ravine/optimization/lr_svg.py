"""A range test as an SVG file of a few kilobytes."""

from textwrap import wrap
from typing import TYPE_CHECKING

from ravine import drawing
from ravine.colours import text_of
from ravine.optimization.lr_frame import Frame, frame

if TYPE_CHECKING:
    from ravine.optimization.range_test import RangeTest

_WIDTH, _HEIGHT = 820, 470
_LEFT, _RIGHT, _TOP, _BOTTOM = 74, 796, 116, 404  # of the plot
_TITLE = "Range test of the learning rate"
_RAISED = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


def svg(test: "RangeTest") -> str:
    """The drawing: each loss faint, their mean, the range shaded, a line at the suggestion."""
    seen = frame(test)
    clip = f'<clipPath id="plot"><path d="M{_LEFT} {_TOP}H{_RIGHT}V{_BOTTOM}H{_LEFT}z"/></clipPath>'
    curves = ['<g clip-path="url(#plot)">', *_curves(test, seen), "</g>"]
    parts = [clip, *_words(test), *_axes(seen), *curves, *_at(test, seen)]
    return drawing.dressed(drawing.svg("lr", _WIDTH, _HEIGHT, _TITLE, parts), text_of("ravine.optimization", "lr.css"))


def _x(seen: Frame, rate: float) -> float:
    return round(_LEFT + seen.across(rate) * (_RIGHT - _LEFT), 1)


def _y(seen: Frame, loss: float) -> float:
    return round(_BOTTOM - min(seen.up(loss), 9.0) * (_BOTTOM - _TOP), 1)  # far above is as far as needed


def _words(test: "RangeTest") -> list[str]:
    lines = wrap(test.suggestion.reason, 108)[:3]
    said = [drawing.text(_LEFT, 54 + 18 * i, line) for i, line in enumerate(lines)]
    return [drawing.text(_LEFT, 32, _TITLE, kind="title strong"), *said]


def _axes(seen: Frame) -> list[str]:
    parts = []
    for power in seen.powers:
        x, name = _x(seen, 10.0**power), "10" + str(power).translate(_RAISED)
        parts.append(f'<path class="grid" d="M{x} {_TOP}V{_BOTTOM}"/>')
        parts.append(drawing.text(x, _BOTTOM + 22, name, "middle"))
    for value in seen.values:
        y = _y(seen, value)
        parts.append(f'<path class="grid" d="M{_LEFT} {y}H{_RIGHT}"/>')
        parts.append(drawing.text(_LEFT - 10, y + 4, f"{value:g}", "end"))
    parts.append(f'<path class="axis" d="M{_LEFT} {_TOP}V{_BOTTOM}H{_RIGHT}"/>')
    parts.append(drawing.text((_LEFT + _RIGHT) / 2, _BOTTOM + 50, "learning rate", "middle"))
    middle = f"translate(22 {(_TOP + _BOTTOM) / 2}) rotate(-90)"
    parts.append(f'<text transform="{middle}" text-anchor="middle">training loss</text>')
    return parts


def _curves(test: "RangeTest", seen: Frame) -> list[str]:
    parts, found = [], test.suggestion
    if found.low and found.high:
        left, right = _x(seen, found.low), _x(seen, found.high)
        size = f'width="{right - left:.1f}" height="{_BOTTOM - _TOP}"'
        parts.append(f'<rect class="range" x="{left}" y="{_TOP}" {size}/>')
    for kind, values in (("loss", test.losses), ("mean", test.smoothed)):
        points = [(_x(seen, rate), _y(seen, value)) for rate, value in zip(test.rates, values, strict=True)]
        if points:
            parts.append(f'<path class="line {kind}" d="{drawing.path(points)}"/>')
    return parts


def _at(test: "RangeTest", seen: Frame) -> list[str]:
    """The line at the suggestion, or a dashed one at the default, if that was among the rates."""
    found = test.suggestion
    if not (found.lr > 0 and 0 <= seen.across(found.lr) <= 1):
        return []
    kind, word = (" found", "lr") if found.found else (" default", "default")
    x = _x(seen, found.lr)
    label = drawing.text(x, _TOP - 8, f"{word} {found.lr:g}", "middle", f"name{kind}")
    return [f'<path class="line{kind}" d="M{x} {_TOP}V{_BOTTOM}"/>', label]
