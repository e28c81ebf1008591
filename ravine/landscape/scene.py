"""What a page or a still shows: a field of losses, and racers that moved on it."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from inspect import cleandoc
from typing import Any

import torch


@dataclass(frozen=True)
class Racer:
    """One rule with all the settings that the sliders offer: F momenta times R rates, over times 0..T.

    Attributes:
        name: as in the legend, such as `momentum(nesterov=true)`.
        formula: what it does, in lines of plain text.
        rates: the R rates.
        paths: float64 `[F, R, T + 1, 2]`; F is 1 where the momentum slider does not concern the rule.
        losses: float64 `[F, R, T + 1]`.
        ended: int64 `[F, R]`, the time at which it diverged, -1 where it did not; the path stays there.
    """

    name: str
    formula: str
    rates: tuple[float, ...]
    paths: torch.Tensor
    losses: torch.Tensor
    ended: torch.Tensor

    @classmethod
    def alone(cls, name: str, formula: str, path: torch.Tensor, losses: torch.Tensor, rate: float = 0.0) -> "Racer":
        """A racer with one setting: a path `[T + 1, 2]` with its losses `[T + 1]`. A rate of 0 is not shown."""
        never = torch.full((1, 1), -1)
        return cls(name, formula, (rate,), path.double()[None, None], losses.double()[None, None], never)


@dataclass(frozen=True)
class Scene:
    """A picture that moves: the loss over two directions, and racers on it.

    Attributes:
        key: its name in the page's address, of letters, digits and `-`; unique on a page.
        title, trap, sentences: what it is, what it is an example of ("" for nothing), what one sees.
        axes: names of the two directions.
        window: x from, x to, y from, y to.
        grid: float64 `[rows, columns]`, the losses over the window, its lowest y first; the outermost lie on the frame.
            What is not finite is drawn as the highest finite one.
        start: where the racers start.
        minima: points to mark.
        racers: with equal F (or 1), R and T.
        time: what passes, "step" or "epoch".
        times: how much of it had passed at each point of a path, ascending; empty for 0..T.
        factors: R, the notches of the rate slider; with one there is no slider.
        frictions: F, the notches of the momentum slider; with fewer than two there is no slider.
        note: small print: how the rates were chosen, what the loss leaves out.
    """

    key: str
    title: str
    trap: str
    sentences: str
    axes: tuple[str, str]
    window: tuple[float, float, float, float]
    grid: torch.Tensor
    start: tuple[float, float]
    minima: tuple[tuple[float, float], ...]
    racers: tuple[Racer, ...]
    time: str = "step"
    times: tuple[float, ...] = ()
    factors: tuple[float, ...] = (1.0,)
    frictions: tuple[float, ...] = ()
    note: str = ""

    @property
    def last(self) -> int:
        """T, the index of the last point of a path."""
        return self.racers[0].losses.shape[-1] - 1

    def moment(self, point: int) -> float:
        """The time at a point of a path."""
        return self.times[point] if self.times else point

    @property
    def home(self) -> tuple[int, int]:
        """Where the sliders stand at first: momentum 0.9 (or the only one), rates as they are."""
        friction = self.frictions.index(0.9) if 0.9 in self.frictions else 0
        return friction, self.factors.index(1.0)

    def shown(self, racer: Racer) -> tuple[int, int]:
        """`home` as indices into this racer's tensors."""
        friction, rate = self.home
        return min(friction, len(racer.paths) - 1), rate


def formula(docstring: str | None, settings: Mapping[str, Any] | None = None) -> str:
    """The first indented block of a docstring, what stands side by side one below the other.

    Args:
        docstring: of a rule. A line of it may end in `if NAME` or `if not NAME`.
        settings: all of the rule's, to show its form with them: lines whose condition does not hold are left out, and
            without `bias_correction` so are the corrections. None shows all there is.

    >>> formula('''Momentum.
    ...
    ...         v <- rho v + g            v starts at 0
    ...         w <- w - lr v             if not nesterov
    ...         w <- w - lr (g + rho v)   if nesterov
    ...
    ...     A ball that rolls.''', {"nesterov": False})
    'v ← rho v + g\\nv starts at 0\\nw ← w - lr v'
    """
    lines = cleandoc(docstring or "").splitlines()
    first = next((i for i, line in enumerate(lines) if line.startswith("    ")), len(lines))
    last = next((i for i in range(first, len(lines)) if not lines[i].startswith("    ")), len(lines))
    shown = [line for line in (_as_set(line.strip(), settings) for line in lines[first:last]) if line]
    parts = (part for line in shown for part in re.split(r" {4,}", line))
    uncorrected = (settings or {}).get("bias_correction") is False
    if uncorrected:  # m_hat = m / (1 - beta1^t) is m
        parts = (part.replace("_hat", "") for part in parts if not re.match(r"\w+_hat =", part))
    return "\n".join(re.sub(r" {2,}", " ", part).replace("<-", "←") for part in parts)


def _as_set(line: str, settings: Mapping[str, Any] | None) -> str:
    """The line, without its condition if that holds; "" where it does not."""
    match = re.fullmatch(r"(.*\S) +if (not )?(\w+)", line)
    if match is None or settings is None or match[3] not in settings:
        return line
    return match[1] if bool(settings[match[3]]) != bool(match[2]) else ""
