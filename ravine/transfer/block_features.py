"""What the blocks of a network give for images, a row of numbers an image: what a probe, k-NN or CKA looks at.

    features(model, x, d) -> pooled -> [B, F_d]

All blocks are read in one pass, in eval mode, and nothing after the last one that is asked for runs.
"""

from collections.abc import Sequence
from contextlib import suppress

import torch
from torch import nn

from ravine import draws
from ravine.errors import UsageError
from ravine.transfer.blocks import Block, blocks
from ravine.transfer.modes import evaluating


class _Complete(Exception):
    """All that was asked for is there; nothing else runs."""


def pooled(features: torch.Tensor, channels_last: bool = False) -> torch.Tensor:
    """A row of numbers for each image: the mean over positions or tokens, which is what most networks end with.

    Args:
        features: `[B, C, H, W]`, `[B, T, C]` or `[B, F]`, which stays as it is.
        channels_last: positions come first, `[B, H, W, C]`.

    Returns:
        float32 `[B, C]` or `[B, F]`, memory of its own.

    Raises:
        UsageError: any other shape.
    """
    over = {2: (), 3: (1,), 4: (1, 2) if channels_last else (2, 3)}.get(features.dim())
    if over is None:
        expected = "[B, C, H, W], [B, T, C] or [B, F]"
        raise UsageError(f"features of shape {list(features.shape)}", where="pooled", expected=expected)
    return features.float().mean(over) if over else features.to(torch.float32, copy=True)


@torch.no_grad()
def block_features(model: nn.Module, x: torch.Tensor, depths: Sequence[int]) -> list[torch.Tensor]:
    """The pooled features after the first d blocks, for each d; the deepest one is what the head is given.

    The network runs once, in eval mode; the mode of each of its modules and the caller's generators are as before.

    Args:
        model: any module that `blocks` can read. timm's that put channels last (Swin) say so, and are heeded.
        x: float32 `[B, ...]`.
        depths: each 1 to the number of blocks without the head, in any order.

    Returns:
        float32 `[B, F_d]` for each of `depths`.

    Raises:
        UsageError: no such depth, a block that the network never calls, or one that gives no tensor of a known shape.
    """
    row = blocks(model)
    for depth in depths:
        if not 1 <= depth < len(row):
            expected = f"1 to {len(row) - 1}, the blocks without the head"
            raise UsageError(f"depth {depth}", where="block_features", expected=expected)
    found, wanted = {}, set(depths)
    channels_last = getattr(model, "output_fmt", "") == "NHWC"

    def keep(depth: int, given: object) -> None:
        if not isinstance(given, torch.Tensor):
            raise UsageError(
                f"gives a {type(given).__name__}", where=f"block {row[depth - 1].name}", expected="a tensor"
            )
        if depth not in found:
            found[depth] = pooled(given, channels_last)  # at once, for what comes next may change it in place
        if len(found) == len(wanted):
            raise _Complete

    hooks = [_hooked(model, row, depth, keep) for depth in sorted(wanted)]
    try:
        with suppress(_Complete), evaluating(model), draws.own_generators():
            model(x)
    finally:
        for hook in hooks:
            hook.remove()
    for depth in wanted - found.keys():
        name = row[depth].name if depth == len(row) - 1 else row[depth - 1].name
        raise UsageError(f"the network does not run {name}", where="block_features", expected="blocks that it runs")
    return [found[depth] for depth in depths]


def _hooked(model: nn.Module, row: Sequence[Block], depth: int, keep) -> torch.utils.hooks.RemovableHandle:
    """Has `keep(depth, given)` called with what the first `depth` blocks give; of all of them, what the head takes."""
    if depth == len(row) - 1:
        head = model.get_submodule(row[-1].modules[0])
        return head.register_forward_pre_hook(lambda module, inputs: keep(depth, inputs[0]))
    last = model.get_submodule(row[depth - 1].modules[-1])
    return last.register_forward_hook(lambda module, inputs, output: keep(depth, output))
