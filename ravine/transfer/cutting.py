"""A network cut in two between its blocks: what the first ones give, and the rest, which goes on from there.

    logits = tail(model, d)(features(model, x, d))

What is frozen for good need be computed once. The rest shares its weights with the network.
"""

import copy
from collections.abc import Callable, Collection, Sequence
from contextlib import suppress
from typing import Any

import torch
from torch import nn

from ravine.errors import UsageError
from ravine.transfer.blocks import Block, blocks
from ravine.transfer.modes import evaluating


class _Reached(Exception):
    """All that was asked for is there; nothing else runs."""


def between(model: nn.Module, x: torch.Tensor, depths: Collection[int], keep: Callable[[int, Any], None]) -> None:
    """Runs a network until the first d blocks have given what they give, for each d; nothing after that runs.

    Args:
        model: in the mode that it is in.
        x: float32 [B, ...].
        depths: each 1 to the number of blocks without the head.
        keep: told the depth and what was given, at once, for what comes next may change it in place. Of all blocks but
            the head that is what the head is given.

    Raises:
        UsageError: no such depth, or the network never calls that block's last module.
    """
    row, waiting = _checked(model, depths), set(depths)

    def reached(depth: int, given: Any) -> None:
        if depth in waiting:
            waiting.remove(depth)
            keep(depth, given)
        if not waiting:
            raise _Reached

    hooks = [_hooked(model, row, depth, reached) for depth in sorted(waiting)]
    try:
        with suppress(_Reached):
            model(x)
    finally:
        for hook in hooks:
            hook.remove()
    for depth in sorted(waiting):
        what = f"the network does not run {row[depth if depth == len(row) - 1 else depth - 1].name}"
        raise UsageError(what, where="cutting", expected="blocks that it runs")


def features(model: nn.Module, x: torch.Tensor, depth: int) -> torch.Tensor:
    """What the first `depth` blocks give; of all but the head it is what the head is given.

    Args:
        model, x, depth: as of `between`.

    Returns:
        `[B, C, H, W]` after convolutions, `[B, tokens, C]` in a transformer, `[B, F]` before most heads.

    Raises:
        UsageError: as of `between`.
    """
    found: dict[int, torch.Tensor] = {}
    between(model, x, [depth], found.__setitem__)
    return found[depth]


def tail(model: nn.Module, depth: int) -> nn.Module:
    """What comes after the first `depth` blocks, with the network's own weights: trained there, trained here.

    It is right where the network runs its blocks one after another; `separable` finds that out. Only the modules are
    shared: `train()` of the one is `train()` of the other but for the outermost module.
    """
    row = _checked(model, [depth])
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


def _checked(model: nn.Module, depths: Collection[int]) -> tuple[Block, ...]:
    row = blocks(model)
    for depth in depths:
        if not 1 <= depth < len(row):
            expected = f"1 to {len(row) - 1}, the blocks without the head"
            raise UsageError(f"depth {depth}", where="cutting", expected=expected)
    return row


def _hooked(
    model: nn.Module, row: Sequence[Block], depth: int, reached: Callable[[int, Any], None]
) -> torch.utils.hooks.RemovableHandle:
    """Has `reached(depth, given)` called with what the first `depth` blocks give; of all, with what the head takes."""
    if depth == len(row) - 1:
        head = model.get_submodule(row[-1].modules[0])
        return head.register_forward_pre_hook(lambda module, inputs: reached(depth, inputs[0]))
    last = model.get_submodule(row[depth - 1].modules[-1])
    return last.register_forward_hook(lambda module, inputs, output: reached(depth, output))


def _shallow(module: nn.Module) -> nn.Module:
    """The same module with a list of children of its own."""
    own = copy.copy(module)
    own._modules = dict(module._modules)
    return own
