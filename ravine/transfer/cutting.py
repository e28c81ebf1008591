"""A network cut in two between its blocks: what the first ones give, and the rest, which goes on from there.

    logits = tail(model, d)(features(model, x, d))

What is frozen for good need be computed once. The rest shares its weights with the network.
"""

import copy

import torch
from torch import nn

from ravine.errors import UsageError
from ravine.transfer.blocks import Block, blocks
from ravine.transfer.modes import evaluating


class _Reached(Exception):
    """Carries what a block gave; nothing after it runs."""

    def __init__(self, given: torch.Tensor):
        self.given = given


def features(model: nn.Module, x: torch.Tensor, depth: int) -> torch.Tensor:
    """What the first `depth` blocks give; of all but the head it is what the head is given.

    Args:
        model: in the mode that it is in.
        x: float32 [B, ...].
        depth: 1 to the number of blocks without the head.

    Returns:
        `[B, C, H, W]` after convolutions, `[B, tokens, C]` in a transformer, `[B, F]` before most heads.

    Raises:
        UsageError: no such depth, or the network never calls that block's last module.
    """
    row = _checked(model, depth)
    before_head = depth == len(row) - 1
    awaited = row[-1] if before_head else row[depth - 1]
    module = model.get_submodule(awaited.modules[0 if before_head else -1])

    def reached(_: nn.Module, given: tuple[torch.Tensor, ...], out: torch.Tensor | None = None) -> None:
        raise _Reached(given[0] if out is None else out)

    hook = module.register_forward_pre_hook(reached) if before_head else module.register_forward_hook(reached)
    try:
        model(x)
    except _Reached as stop:
        return stop.given
    finally:
        hook.remove()
    raise UsageError(f"the network does not run {awaited.name}", where="features", expected="blocks that it runs")


def tail(model: nn.Module, depth: int) -> nn.Module:
    """What comes after the first `depth` blocks, with the network's own weights: trained there, trained here.

    It is right where the network runs its blocks one after another; `separable` finds that out. Only the modules are
    shared: `train()` of the one is `train()` of the other but for the outermost module.
    """
    row = _checked(model, depth)
    if depth == len(row) - 1 and len(row[-1].modules) == 1:
        return model.get_submodule(row[-1].modules[0])
    rest = _shallow(model)
    for name in (name for block in row[:depth] for name in block.modules):
        *path, last = name.split(".")
        parent = rest
        for step in path:
            parent._modules[step] = parent = _shallow(parent.get_submodule(step))
        parent._modules[last] = nn.Identity()
    return rest


@torch.no_grad()
def separable(model: nn.Module, x: torch.Tensor, depth: int) -> bool:
    """Whether `tail(features(x))` is `model(x)`, tried in eval mode; the mode is as before."""
    try:
        with evaluating(model):
            whole, rest = model(x), tail(model, depth)(features(model, x, depth))
        return whole.shape == rest.shape and torch.allclose(whole, rest, rtol=1e-4, atol=1e-5)
    except (RuntimeError, TypeError, ValueError, AttributeError, IndexError, UsageError):
        return False  # code between its blocks that takes images only


def _checked(model: nn.Module, depth: int) -> tuple[Block, ...]:
    row = blocks(model)
    if not 1 <= depth < len(row):
        raise UsageError(
            f"depth {depth}", where="cutting", expected=f"1 to {len(row) - 1}, the blocks without the head"
        )
    return row


def _shallow(module: nn.Module) -> nn.Module:
    """The same module with a list of children of its own."""
    own = copy.copy(module)
    own._modules = dict(module._modules)
    return own
