"""What is kept of a member that is trained no more: always numbers."""

import torch

from ravine.optimization import Average
from ravine.population import Population
from ravine.training.fit import Frozen, Position
from ravine.training.selection import Best


def overflowed(population: Population, position: Position) -> list[Frozen]:
    """The members that the last step brought beyond all numbers, while loss and gradient still were numbers.

    None where nobody else is left, and none of those that are frozen already.
    """
    sound = population.weights.isfinite().all(1).tolist()
    going = [k for k in range(len(sound)) if k not in {frozen.member for frozen in position.frozen}]
    lost = [k for k in going if not sound[k]]
    if len(lost) == len(going):
        return []
    return [Frozen(k, position.epoch + 1, position.step, "weights overflowed") for k in lost]


@torch.no_grad()
def settle(k: int, population: Population, best: Best, average: Average | None) -> None:
    """Sees to it that what is kept of member k are numbers: its best weights, where the step before overflowed."""
    state = population.state()
    if not all(tensor[k].isfinite().all() for tensor in state.values()):
        for name, tensor in state.items():
            tensor[k] = best.state[name][k]
    # an average that has not begun is the weights themselves
    if average and not (average.begun and average.averages[0][k].isfinite().all()):
        average.averages[0][k] = population.weights[k]
