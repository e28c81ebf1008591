"""Where a training stands between two steps."""

from dataclasses import dataclass, field

import torch


@dataclass(frozen=True)
class Frozen:
    """Which member froze at which step (epoch and step count from 1), and why ("loss nan")."""

    member: int
    epoch: int
    step: int
    why: str

    def __str__(self) -> str:
        return f"member {self.member} froze at epoch {self.epoch}, step {self.step}: {self.why}"


@dataclass
class Position:
    """Where a training stands, between two steps: with the weights and the rule's state, all that it takes to go on.

    `sums` `[4, K]` adds up loss, right answers, gradient norm and penalty over the `seen` examples of the epoch under
    way; without penalties `[3, K]` will do. `frozen` lists the members that are trained no more.
    """

    sums: torch.Tensor
    epoch: int = 0
    step: int = 0
    seen: int = 0
    frozen: list[Frozen] = field(default_factory=list)

    def done(self, steps: int) -> int:
        """Optimizer steps done, where an epoch has so many."""
        return self.epoch * steps + self.step
