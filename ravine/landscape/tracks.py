"""Rules at work side by side on one surface: the library's own, as they train networks.

All settings of a rule are members of one population, rows of one matrix `[K, 2]` with their rates as a column; and the
gradient of all rules is taken at once. So 7 rules with 45 settings each take about as long as one.
"""

from collections.abc import Sequence
from typing import NamedTuple, Protocol

import torch

from ravine.landscape.surface import Surface


class Steps(Protocol):
    """What `ravine.optimization.Stepper` is: one update of `weights` `[K, 2]` in place."""

    def step(self, weights: torch.Tensor, grads: torch.Tensor, factor: float) -> None: ...


class Tracks(NamedTuple):
    """Where the K members of a population went.

    Attributes:
        paths: `[K, T + 1, 2]`, the start first.
        losses: `[K, T + 1]`, without the noise of mini-batches.
        ended: int64 `[K]`, the step at which a member left the room or stopped being a number, -1 where it did not;
            from then on path and loss stay at their last good value.
    """

    paths: torch.Tensor
    losses: torch.Tensor
    ended: torch.Tensor


def run(surface: Surface, lanes: Sequence[tuple[Steps, int]], steps: int, seed: int = 0) -> list[Tracks]:
    """Runs each lane, a rule with its number of members, from the surface's start; same noise for all."""
    sizes = [members for _, members in lanes]
    weights = torch.tensor(surface.start, dtype=torch.float64).repeat(sum(sizes), 1)
    paths = torch.empty(sum(sizes), steps + 1, 2, dtype=torch.float64)
    paths[:, 0] = weights
    for step in range(steps):
        gradient = surface.gradient(weights)
        if surface.sigma:
            gradient += surface.noise(seed, step)
        for (rule, _), w, g in zip(lanes, weights.split(sizes), gradient.split(sizes), strict=True):
            rule.step(w, g, 1.0)
        paths[:, step + 1] = weights
    tracks = _frozen(paths, room(surface.window), surface)
    return [Tracks(*parts) for parts in zip(*(column.split(sizes) for column in tracks), strict=True)]


def room(window: tuple[float, float, float, float]) -> tuple[float, float, float, float]:
    """Three windows wide and high: who leaves it has diverged, and is not followed further."""
    x0, x1, y0, y1 = window
    return 2 * x0 - x1, 2 * x1 - x0, 2 * y0 - y1, 2 * y1 - y0


def _frozen(paths: torch.Tensor, bounds: tuple[float, float, float, float], surface: Surface) -> Tracks:
    """Whoever goes astray stays at the last place inside. NaN is inside nothing."""
    low, high = torch.tensor(bounds, dtype=torch.float64).view(2, 2).unbind(1)
    inside = ((paths >= low) & (paths <= high)).all(-1) & surface.function(paths).isfinite()
    good = inside.int().cumprod(1).sum(1)  # how many points from the start on
    time = torch.arange(paths.shape[1]).expand(len(paths), -1).minimum(good[:, None] - 1)
    paths = paths.gather(1, time[..., None].expand_as(paths))
    return Tracks(paths, surface.function(paths), torch.where(good < paths.shape[1], good, -1))
