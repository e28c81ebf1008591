"""The range test: train for some steps while the rate grows exponentially, and see at which rates the loss falls.

    rate_i = low (high / low)^(i / (steps - 1)),   i = 0 .. steps - 1

Smith, "Cyclical Learning Rates for Training Neural Networks", 2017, section 3.3. There the rate grows linearly and
accuracy is watched; growing exponentially and watching the smoothed loss is fastai's form of it.
"""

import math
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from functools import cached_property
from os import PathLike
from typing import Any

from ravine.errors import UsageError
from ravine.optimization.lr_suggestion import Suggestion, suggest

# Of the sweep: 0.7 of the usual seven decades. The share of the fall that lr_suggestion.py takes was measured with it
_MEMORY = 0.1


@dataclass(frozen=True)
class RangeTest:
    """What a range test saw: at `rates[i]` a step, after it the loss `losses[i]`; nothing is listed past a blow-up.

    Attributes:
        rates: of the steps, ascending.
        losses: of the next mini-batch after each step, as it was.
        smoothed: their bias-corrected exponential mean, which lags by about `memory` steps.
        first: the lowest rate of the sweep.
        before: loss of the first mini-batch, before any step.
        start: mean loss while the rate was still too low to change anything: the first `memory` mini-batches.
        memory: steps that the mean remembers, a tenth of the sweep.
        blown_up: the rate at which the sweep ended early, since the loss had risen far above its start or was not
            finite; None where it went on to `high`.
        default: the rate to take where the curve shows no valley.
    """

    rates: tuple[float, ...]
    losses: tuple[float, ...]
    smoothed: tuple[float, ...]
    first: float
    before: float
    start: float
    memory: float
    blown_up: float | None
    default: float

    @cached_property
    def suggestion(self) -> Suggestion:
        """The one rate to take, its range, and why."""
        return suggest(self)

    def to_json(self) -> dict[str, Any]:
        """All of it in plain values; what is not finite is None."""
        plain = {name: getattr(self, name) for name in RangeTest.__dataclass_fields__}
        return {"suggestion": asdict(self.suggestion), **{name: _finite(value) for name, value in plain.items()}}

    def text(self, width: int = 60, height: int = 8) -> str:
        """The curve in characters: `height` rows of `width` columns, with axes and the suggestion."""
        from ravine.optimization.lr_picture import text

        return text(self, width, height)

    def plot(self) -> Any:
        """A plotly figure: loss over rate, with the range and the suggestion."""
        from ravine.optimization.lr_figure import figure

        return figure(self)

    def save(self, path: str | PathLike[str]) -> None:
        """Writes the curve to a `.html` (opens offline), `.svg` or `.json` file. Raises UsageError, SaveError."""
        from ravine.optimization.lr_picture import save

        save(self, path)


class Sweep:
    """The rates of a range test for a training loop of any kind; the loop should train a copy.

        sweep = Sweep(low=1e-6, high=10.0, steps=400)
        for rate in sweep:
            ...                       # one step at this rate
            sweep.record(loss)        # of the step's mini-batch, before the step
        print(sweep.result(default=1e-3).suggestion)

    The loss that shows what a step did is that of the next mini-batch, so there is one step more than there are rates.
    The sweep ends early where the loss is not finite, or where its mean exceeds

        best + max(3 |best|, 2 (start - best))

    that is, four times the best mean (fastai's rule) and more than was ever gained, so that a loss near 0 may wobble.

    Args:
        low, high: first and last rate, 0 < low < high.
        steps: how many rates, 20 or more.

    Raises:
        UsageError: one of them is not so.
    """

    def __init__(self, low: float = 1e-6, high: float = 10.0, steps: int = 400):
        for name, value in (("low", low), ("high", high)):
            if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < math.inf:
                raise UsageError(f"{name} cannot be {value!r}", where="range test", expected="a number above 0")
        if not low < high:
            raise UsageError(f"low {low:g} is not below high {high:g}", where="range test", expected="low < high")
        if isinstance(steps, bool) or not isinstance(steps, int) or steps < 20:
            raise UsageError(f"steps cannot be {steps!r}", where="range test", expected="a whole number, 20 or more")
        # rate_i = low (high / low)^(i / (steps - 1))
        self.rates = [low * (high / low) ** (i / (steps - 1)) for i in range(steps)]
        self.memory = _MEMORY * steps
        self.losses: list[float] = []
        self.ended = False
        self._means: list[float] = []
        self._mean = 0.0

    def __iter__(self) -> Iterator[float]:
        for rate in [*self.rates, self.rates[-1]]:
            if self.ended:
                return
            yield rate

    def record(self, loss: Any) -> None:
        """Notes the loss of a step's mini-batch, a number or a tensor of one; `ended` may be True after it."""
        loss = float(loss)
        self.losses.append(loss)
        if not math.isfinite(loss):
            self.ended = True
            return
        # m <- beta m + (1 - beta) loss,   mean = m / (1 - beta^t)
        beta = 1 - 1 / self.memory
        self._mean = beta * self._mean + (1 - beta) * loss
        self._means.append(self._mean / (1 - beta ** len(self.losses)))
        best, start = min(self._means), self._start
        self.ended = self._means[-1] > best + max(3 * abs(best), 2 * (start - best))

    def result(self, default: float) -> RangeTest:
        """What was seen so far. `default` is the rate to take if that shows no valley."""
        n = max(len(self._means) - 1, 0)  # the first loss was before any step
        blown_up = self.rates[max(len(self.losses) - 2, 0)] if self.ended else None
        return RangeTest(
            rates=tuple(self.rates[:n]),
            losses=tuple(self.losses[1 : n + 1]),
            smoothed=tuple(self._means[1 : n + 1]),
            first=self.rates[0],
            before=self.losses[0] if self.losses else math.nan,
            start=self._start,
            memory=self.memory,
            blown_up=blown_up,
            default=float(default),
        )

    @property
    def _start(self) -> float:
        first = [loss for loss in self.losses[: round(self.memory)] if math.isfinite(loss)]
        return sum(first) / len(first) if first else math.nan


def _finite(value: Any) -> Any:
    if isinstance(value, tuple):
        return [_finite(inner) for inner in value]
    return value if value is None or math.isfinite(value) else None
