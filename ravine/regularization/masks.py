"""Which weights are regularized."""

from collections.abc import Iterable, Sequence
from typing import Protocol

import torch


class Slot(Protocol):
    """Where a parameter lies in a row of the matrix."""

    @property
    def start(self) -> int: ...
    @property
    def stop(self) -> int: ...
    @property
    def shape(self) -> Sequence[int]: ...


def weights_only(layout: Iterable[Slot], device: torch.device | str = "cpu") -> torch.Tensor:
    """`[P]`, float32: 1 for parameters of 2 or more dimensions (matrices, convolutions), 0 for biases and norms.

    A bias costs no freedom worth a penalty, and the scale of a batch norm is what the penalized weights before it
    have lost.
    """
    slots = tuple(layout)
    mask = torch.zeros(max((slot.stop for slot in slots), default=0))
    for slot in slots:
        mask[slot.start : slot.stop] = len(slot.shape) > 1
    return mask.to(device)
