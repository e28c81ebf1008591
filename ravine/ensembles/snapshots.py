"""Snapshots: one training along a cyclic schedule gives several members, at the cost of one.

Huang et al., "Snapshot Ensembles: Train 1, Get M for Free", 2017. At the end of each cycle the rate is low and the
weights have settled; they are kept, and the rate jumps up again and drives the weights to another place.

    snapshots = Snapshots(cosine_restarts(cycles=5), steps)
    for step in range(steps):
        ...
        optimizer.step()
        if snapshots.due(step + 1):
            snapshots.keep(model.state_dict())
"""

from collections.abc import Callable, Mapping

import torch


def cycle_ends(schedule: Callable[[float], float], steps: int) -> list[int]:
    """After how many steps each cycle ends: wherever the rate has fallen and is about to rise, and after the last step.

    Args:
        schedule: from progress (0 to 1) to a factor of the rate; step i of n runs at `schedule(i / n)`.
        steps: n, of the whole training, at least 1.

    Returns:
        Increasing numbers, the last is `steps`: one for a schedule that never rises after it fell.
    """
    ends, fell, before = [], False, schedule(0.0)
    for done in range(1, steps):
        factor = schedule(done / steps)
        if factor > before and fell:
            ends.append(done)
        fell = factor < before or (fell and factor == before)
        before = factor
    return [*ends, steps]


class Snapshots:
    """Copies of the weights at the end of each cycle.

    Args:
        schedule: as of `cycle_ends`.
        steps: of the whole training.

    Attributes:
        ends: after how many steps a copy is due.
        states: the copies so far, one for each of the first `ends`; set it to go on from saved ones.
    """

    def __init__(self, schedule: Callable[[float], float], steps: int):
        self.ends = cycle_ends(schedule, steps)
        self.states: list[dict[str, torch.Tensor]] = []

    def due(self, done: int) -> bool:
        """Whether, after so many steps, the weights are to be kept now."""
        return self.ends[len(self.states) :][:1] == [done]

    def keep(self, state: Mapping[str, torch.Tensor]) -> None:
        """Takes a copy."""
        self.states.append({name: tensor.detach().clone() for name, tensor in state.items()})
