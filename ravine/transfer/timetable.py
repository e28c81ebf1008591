"""A plan of unfreezing as a table, blocks by phases: what is trained when, at which rate, with which batch norm."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from ravine.transfer.blocks import Block
from ravine.transfer.unfreezing import Unfreezing

_LOOKS = 200  # at the rate, in a phase


@dataclass(frozen=True)
class Cell:
    """A block in a phase.

    Attributes:
        epochs: when it begins and ends, in epochs from 0.
        trained: whether the block is trained.
        rate: the highest that it has in the phase; 0 where it is frozen.
        norm: what the statistics of its batch norms do: kept, follows or trained (`Unfreezing.norm`); "" without any.
        norm_rate: the highest that their gamma and beta have in the phase; 0 where these stay, or there are none.
    """

    epochs: tuple[float, float]
    trained: bool
    rate: float
    norm: str
    norm_rate: float


@dataclass(frozen=True)
class Line:
    """A block: its name, how many numbers its parameters are, and a cell for each phase."""

    name: str
    parameters: int
    cells: tuple[Cell, ...]


def table(
    plan: Unfreezing,
    row: Sequence[Block],
    lr: float,
    schedule: Callable[[float], float],
    epochs: float,
    layout: Iterable[Any],
) -> tuple[Line, ...]:
    """A line for each block.

    Args:
        plan: of these blocks.
        row: the blocks.
        lr: the rate at the schedule's peak.
        schedule: from progress to what `lr` is multiplied by.
        epochs: of the whole training.
        layout: a slot for each parameter, with its `name` and its columns `start` to `stop`.
    """
    sizes = {slot.name: slot.stop - slot.start for slot in layout}
    return tuple(
        Line(
            block.name,
            sum(sizes[name] for name in block.parameters),
            tuple(_cell(plan, i, block, phase, lr, schedule, epochs) for phase in plan.phases()),
        )
        for i, block in enumerate(row)
    )


def _cell(
    plan: Unfreezing,
    i: int,
    block: Block,
    phase: tuple[float, float],
    lr: float,
    schedule: Callable[[float], float],
    epochs: float,
) -> Cell:
    start, stop = phase
    looked_at = [start + (stop - start) * j / _LOOKS for j in range(_LOOKS)]
    rate, norm_rate = (
        max(lr * schedule(progress) * factor(i, progress) for progress in looked_at)
        for factor in (plan.factor, plan.norm_factor)
    )
    edges, trained = (start * epochs, stop * epochs), plan.trained(i, start)
    if not any(name.endswith("running_mean") for name in block.buffers):
        return Cell(edges, trained, rate, "", 0.0)
    return Cell(edges, trained, rate, plan.norm(i, start), norm_rate)
