"""K networks of one architecture in one matrix.

    weights [K, P]    row k is member k; every module parameter is a view into it
    grads   [K, P]    likewise; backward accumulates straight into it

So a rule, a norm, clipping, a checkpoint each act on one matrix, whatever the network looks like inside.
"""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import nn

_ALIGNED = 16  # numbers, 64 bytes: torch's own alignment


@dataclass(frozen=True)
class Slot:
    """Where one parameter lies: columns `start` to `stop` of the matrix, in this shape."""

    name: str
    start: int
    stop: int
    shape: torch.Size


class Population:
    """K members that are trained side by side.

    Args:
        make: builds member k, freshly initialised; called with k = 0 .. members - 1.
        members: K, at least 1.
        device: where the matrices live.

    Attributes:
        members: the modules; their parameters and buffers are views, so they can be used as any module (do not call
            `.to(...)` on them: that would part them from the matrix).
        weights, grads: `[K, P]`; each row lies in one piece and begins where memory is aligned, so that a member reads
            as it would alone: matrix products round by it.
        buffers: name -> `[K, ...]` (batch-norm statistics).
        layout: a `Slot` for each parameter.
    """

    def __init__(self, make: Callable[[int], nn.Module], members: int = 1, device: torch.device | str = "cpu"):
        self.members = [make(k).to(device) for k in range(members)]
        self.layout = _layout(self.members[0])
        columns = self.layout[-1].stop if self.layout else 0
        self.weights, self.grads = (_matrix(members, columns, device) for _ in range(2))
        named = [dict(member.named_buffers()) for member in self.members]
        self.buffers = {name: torch.stack([buffers[name] for buffers in named]) for name in named[0]}
        for k, member in enumerate(self.members):
            parameters = dict(member.named_parameters())
            for slot in self.layout:
                p = parameters[slot.name]
                view = self.weights[k, slot.start : slot.stop].view(slot.shape)
                p.data = view.copy_(p.data)
                p.grad = self.grads[k, slot.start : slot.stop].view(slot.shape)
            for name, buffer in named[k].items():
                buffer.data = self.buffers[name][k]

    def train(self, mode: bool = True) -> None:
        """Train mode (dropout drops, batch norm learns its statistics) or, with `False`, eval mode, for all members."""
        for member in self.members:
            if member.training != mode:
                member.train(mode)

    def state(self) -> dict[str, torch.Tensor]:
        """The matrices that define the members, by name: no copies."""
        return {"weights": self.weights, **{f"buffers/{name}": buffer for name, buffer in self.buffers.items()}}

    @torch.no_grad()
    def load(self, state: dict[str, torch.Tensor]) -> None:
        """Copies a `state()` (of the same architecture and K) into the matrices."""
        for name, mine in self.state().items():
            mine.copy_(state[name])

    def named(self, state: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
        """A `state`, of any K, under the modules' own names: `conv1.weight`, or `member03/conv1.weight` where K > 1."""
        out = {}
        for k in range(len(state["weights"])):
            prefix = f"member{k:02d}/" if len(state["weights"]) > 1 else ""
            for slot in self.layout:
                out[prefix + slot.name] = state["weights"][k, slot.start : slot.stop].view(slot.shape)
            for name in self.buffers:
                out[prefix + name] = state[f"buffers/{name}"][k]
        return out

    @torch.no_grad()
    def load_named(self, tensors: dict[str, torch.Tensor]) -> None:
        """Copies tensors under the names of `named` into the matrices.

        Raises:
            KeyError: a name is missing.
            RuntimeError: a shape differs.
        """
        for name, mine in self.named(self.state()).items():
            if tensors[name].shape != mine.shape:
                raise RuntimeError(f"{name} is {tuple(tensors[name].shape)}, the network has {tuple(mine.shape)}")
            mine.copy_(tensors[name])


def _matrix(rows: int, columns: int, device: torch.device | str) -> torch.Tensor:
    """Zeros `[rows, columns]`, the beginnings of the rows a multiple of `_ALIGNED` apart."""
    return torch.zeros(rows, -(-columns // _ALIGNED) * _ALIGNED, device=device)[:, :columns]


def _layout(module: nn.Module) -> list[Slot]:
    slots, start = [], 0
    for name, p in module.named_parameters():
        slots.append(Slot(name, start, start + p.numel(), p.shape))
        start += p.numel()
    return slots
