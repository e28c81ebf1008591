"""From a surface and rules to a scene: find each rule's rate, then run all notches of the sliders."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch

from ravine.landscape.rates import CRITERION, FACTORS, FRICTIONS, RATES, best
from ravine.landscape.scene import Racer, Scene
from ravine.landscape.surface import Surface
from ravine.landscape.tracks import Steps, run

COLUMNS, ROWS = 161, 121  # of the grid of losses


@dataclass(frozen=True)
class Entrant:
    """A rule that wants to race.

    Attributes:
        name: as in the legend.
        formula: lines of plain text.
        stepper: from a column of rates `[K, 1]`, and one of momenta or None, to a rule at work on `[K, 2]`.
        rate: the rate to run at; None to look for the best.
        rolls: whether the momentum slider concerns it; if not, `stepper` gets None.
    """

    name: str
    formula: str
    stepper: Callable[[torch.Tensor, torch.Tensor | None], Steps]
    rate: float | None = None
    rolls: bool = False

    def lane(self, rates: Sequence[float], frictions: Sequence[float]) -> tuple[Steps, int]:
        """A population of all pairs, the momentum of the first F members being the first one."""
        frictions = frictions if self.rolls else (0.0,)
        columns = torch.cartesian_prod(*(torch.tensor(c, dtype=torch.float64) for c in (frictions, rates)))
        friction, rate = columns.view(-1, 2).split(1, dim=1)
        return self.stepper(rate, friction if self.rolls else None), len(columns)


def race(surface: Surface, entrants: Sequence[Entrant], *, steps: int = 0, seed: int = 0) -> Scene:
    """The scene of all entrants on one surface, from the same start and under the same noise.

    Args:
        surface: one of `SURFACES` or your own.
        entrants: the rules.
        steps: length of the race; 0 for the surface's own.
        seed: of the noise of mini-batches, where the surface has any.
    """
    steps = steps or surface.steps
    tracks = run(surface, [entrant.lane(RATES, (0.9,)) for entrant in entrants], steps, seed)
    best_rates = [RATES[best(found, surface.window)] for found in tracks]
    rates = [best if e.rate is None else e.rate for e, best in zip(entrants, best_rates, strict=True)]
    notches = [tuple(rate * factor for factor in FACTORS) for rate in rates]
    lanes = [entrant.lane(own, FRICTIONS) for entrant, own in zip(entrants, notches, strict=True)]
    racers = []
    for entrant, own, found in zip(entrants, notches, run(surface, lanes, steps, seed), strict=True):
        shaped = (column.unflatten(0, (-1, len(own))) for column in found)
        racers.append(Racer(entrant.name, entrant.formula, own, *shaped))
    note = CRITERION if any(e.rate is None for e in entrants) else "The rate slider multiplies the rates given."
    note += " The loss is shown without the noise that the gradients have." if surface.sigma else ""
    return Scene(
        surface.key, surface.title, surface.trap, surface.sentences, ("w₁", "w₂"), surface.window,
        surface.grid(COLUMNS, ROWS), surface.start, surface.minima, tuple(racers),
        factors=FACTORS, frictions=FRICTIONS if any(e.rolls for e in entrants) else (), note=note,
    )  # fmt: skip
