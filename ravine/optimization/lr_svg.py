"""A range test as an SVG file of a few kilobytes, written by hand: nothing to install, sharp at any size."""

from html import escape
from textwrap import wrap
from typing import TYPE_CHECKING

from ravine.optimization.lr_frame import Frame, frame

if TYPE_CHECKING:
    from ravine.optimization.range_test import RangeTest

_WIDTH, _HEIGHT = 820, 470
_LEFT, _RIGHT, _TOP, _BOTTOM = 74, 796, 116, 404  # of the plot
_STYLE = """
text { font: 14px system-ui, sans-serif; fill: #333 } .title { font-size: 18px; font-weight: 600 } .small { fill: #666 }
.lr { font-weight: 600; fill: #1e7a46 } .grid { stroke: #e6e9ed } .axis { stroke: #333 } path { fill: none }
.loss { stroke: #9aa7b5; opacity: .6 } .mean { stroke: #1f4e79; stroke-width: 3; stroke-linejoin: round }
.range { fill: #2a9d5c; opacity: .12 } .at { stroke: #2a9d5c; stroke-width: 2 }
.lr.none { fill: #666 } .at.none { stroke: #9aa7b5; stroke-dasharray: 6 5 }"""
_RAISED = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


def svg(test: "RangeTest") -> str:
    """The drawing: each loss faint, their mean, the range shaded, a line at the suggestion."""
    seen = frame(test)
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT}" width="{_WIDTH}">'
    clip = f'<clipPath id="plot"><path d="M{_LEFT} {_TOP}H{_RIGHT}V{_BOTTOM}H{_LEFT}z"/></clipPath>'
    back = f'<rect width="{_WIDTH}" height="{_HEIGHT}" fill="white"/>'
    curves = ['<g clip-path="url(#plot)">', *_curves(test, seen), "</g>"]
    parts = [head, f"<style>{_STYLE}</style>", clip, back, *_words(test), *_axes(seen), *curves, *_at(test, seen)]
    return "\n".join([*parts, "</svg>"]) + "\n"


def _x(seen: Frame, rate: float) -> float:
    return round(_LEFT + seen.across(rate) * (_RIGHT - _LEFT), 1)


def _y(seen: Frame, loss: float) -> float:
    return round(_BOTTOM - min(seen.up(loss), 9.0) * (_BOTTOM - _TOP), 1)  # far above is as far as needed


def _words(test: "RangeTest") -> list[str]:
    lines = wrap(test.suggestion.reason, 108)[:3]
    said = [f'<text class="small" x="{_LEFT}" y="{54 + 18 * i}">{escape(line)}</text>' for i, line in enumerate(lines)]
    return [f'<text class="title" x="{_LEFT}" y="32">Range test of the learning rate</text>', *said]


def _axes(seen: Frame) -> list[str]:
    parts = []
    for power in seen.powers:
        x, name = _x(seen, 10.0**power), "10" + str(power).translate(_RAISED)
        parts.append(f'<path class="grid" d="M{x} {_TOP}V{_BOTTOM}"/>')
        parts.append(f'<text x="{x}" y="{_BOTTOM + 22}" text-anchor="middle">{name}</text>')
    for value in seen.values:
        y = _y(seen, value)
        parts.append(f'<path class="grid" d="M{_LEFT} {y}H{_RIGHT}"/>')
        parts.append(f'<text x="{_LEFT - 10}" y="{y + 5}" text-anchor="end">{value:g}</text>')
    parts.append(f'<path class="axis" d="M{_LEFT} {_TOP}V{_BOTTOM}H{_RIGHT}"/>')
    across, up = (_LEFT + _RIGHT) / 2, (_TOP + _BOTTOM) / 2
    parts.append(f'<text x="{across}" y="{_BOTTOM + 50}" text-anchor="middle">learning rate</text>')
    parts.append(f'<text transform="translate(22 {up}) rotate(-90)" text-anchor="middle">training loss</text>')
    return parts


def _curves(test: "RangeTest", seen: Frame) -> list[str]:
    parts, found = [], test.suggestion
    if found.low and found.high:
        left, right = _x(seen, found.low), _x(seen, found.high)
        size = f'width="{right - left:.1f}" height="{_BOTTOM - _TOP}"'
        parts.append(f'<rect class="range" x="{left}" y="{_TOP}" {size}/>')
    for kind, values in (("loss", test.losses), ("mean", test.smoothed)):
        points = [f"{_x(seen, rate)} {_y(seen, value)}" for rate, value in zip(test.rates, values, strict=True)]
        if points:
            parts.append(f'<path class="{kind}" d="M{"L".join(points)}"/>')
    return parts


def _at(test: "RangeTest", seen: Frame) -> list[str]:
    """The line at the suggestion, or a dashed one at the default, if that was among the rates."""
    found = test.suggestion
    if not (found.lr > 0 and 0 <= seen.across(found.lr) <= 1):
        return []
    kind, word = ("", "lr") if found.found else (" none", "default")
    x = _x(seen, found.lr)
    label = f'<text class="lr{kind}" x="{x}" y="{_TOP - 8}" text-anchor="middle">{word} {found.lr:g}</text>'
    return [f'<path class="at{kind}" d="M{x} {_TOP}V{_BOTTOM}"/>', label]
