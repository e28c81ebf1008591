"""What a page or a still shows: a field of losses, and racers that moved on it."""

import re
from dataclasses import dataclass
from inspect import cleandoc

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
        time: what passes, "step" or "epoch"; `spacing` of it lie between two points of a path.
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
    spacing: float = 1.0
    factors: tuple[float, ...] = (1.0,)
    frictions: tuple[float, ...] = ()
    note: str = ""

    @property
    def home(self) -> tuple[int, int]:
        """Where the sliders stand at first: momentum 0.9 (or the only one), rates as they are."""
        friction = self.frictions.index(0.9) if 0.9 in self.frictions else 0
        return friction, self.factors.index(1.0)

    def shown(self, racer: Racer) -> tuple[int, int]:
        """`home` as indices into this racer's tensors."""
        friction, rate = self.home
        return min(friction, len(racer.paths) - 1), rate


def formula(docstring: str | None) -> str:
    """The first indented block of a docstring, what stands side by side one below the other.

    >>> formula('''Momentum.
    ...
    ...         v <- rho v + g            w <- w - lr v
    ...
    ...     v starts at 0.''')
    'v ← rho v + g\\nw ← w - lr v'
    """
    lines = cleandoc(docstring or "").splitlines()
    first = next((i for i, line in enumerate(lines) if line.startswith("    ")), len(lines))
    last = next((i for i in range(first, len(lines)) if not lines[i].startswith("    ")), len(lines))
    parts = (part for line in lines[first:last] for part in re.split(r" {4,}", line.strip()))
    return "\n".join(re.sub(r" {2,}", " ", part).replace("<-", "←") for part in parts)
