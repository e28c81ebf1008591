"""What part of a range test's curve a picture shows, and where in it a rate and a loss lie."""

import math
from dataclasses import dataclass
from statistics import quantiles
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ravine.optimization.range_test import RangeTest


@dataclass(frozen=True)
class Frame:
    """A window of rates (on a logarithmic axis) and losses.

    Attributes:
        first, last: log10 of the rates at the left and right edge.
        low, high: losses at the lower and upper edge.
    """

    first: float
    last: float
    low: float
    high: float

    def across(self, rate: float) -> float:
        """0 at the left edge, 1 at the right."""
        return (math.log10(rate) - self.first) / (self.last - self.first)

    def up(self, loss: float) -> float:
        """0 at the lower edge, 1 at the upper."""
        return (loss - self.low) / (self.high - self.low)

    @property
    def powers(self) -> list[int]:
        """The powers of ten within the window."""
        return list(range(math.ceil(self.first - 1e-9), math.floor(self.last + 1e-9) + 1))

    @property
    def values(self) -> list[float]:
        """Three to seven round losses within the window."""
        rough = (self.high - self.low) / 5
        unit = 10 ** math.floor(math.log10(rough))
        step = next(unit * m for m in (1, 2, 5, 10) if unit * m >= rough)
        count = range(math.ceil(self.low / step), math.floor(self.high / step) + 1)
        return [float(f"{i * step:.6g}") for i in count]


def frame(test: "RangeTest") -> Frame:
    """All rates; the fall of the loss and a little above its start, whatever heights a blow-up reaches."""
    rates = test.rates or (test.first, 10 * test.first)
    first = math.log10(rates[0])
    last = max(math.log10(rates[-1]), first + 0.1)
    if not test.smoothed:
        return Frame(first, last, 0.0, 1.0)
    bottom = min(range(len(test.smoothed)), key=test.smoothed.__getitem__)
    before = [test.start, *test.losses[: bottom + 1]]
    cuts = quantiles(before, n=20, method="inclusive")
    low = min(test.smoothed[bottom], cuts[0])
    high = max(test.start + 0.35 * (test.start - low), cuts[-1])
    margin = max(0.05 * (high - low), 0.05 * abs(high)) or 0.05
    floor = 0.0 if low >= 0 else -math.inf  # most losses have their zero there
    return Frame(first, last, max(floor, low - margin), high + margin)
