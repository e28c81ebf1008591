"""What the blocks of a network give for images, a row of numbers an image: what a probe, k-NN or CKA looks at.

    features(model, x, d) -> pooled -> [B, F_d]

All blocks are read in one pass, in eval mode, and nothing after the last one that is asked for runs.
"""

from collections.abc import Sequence
from typing import Any

import torch
from torch import nn

from ravine import draws
from ravine.errors import UsageError
from ravine.transfer.blocks import blocks
from ravine.transfer.cutting import between
from ravine.transfer.modes import evaluating


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
    found: dict[int, torch.Tensor] = {}
    channels_last = getattr(model, "output_fmt", "") == "NHWC"

    def keep(depth: int, given: Any) -> None:
        if not isinstance(given, torch.Tensor):
            where = f"block {row[depth - 1].name}"
            raise UsageError(f"gives a {type(given).__name__}", where=where, expected="a tensor")
        found[depth] = pooled(given, channels_last)

    with evaluating(model), draws.own_generators():
        between(model, x, depths, keep)
    return [found[depth] for depth in depths]
