"""Adaptive gradient clipping: how long a gradient may be depends on how long the weights are that it moves.

Brock, De, Smith and Simonyan, "High-Performance Large-Scale Image Recognition Without Normalization", 2021.
"""

from collections.abc import Iterable

import torch

from ravine.optimization.clipping import check_limit
from ravine.optimization.parts import Slot


def clip_adaptive(
    grads: torch.Tensor, weights: torch.Tensor, layout: Iterable[Slot], limit: float = 0.01
) -> torch.Tensor:
    """Clips each unit of each parameter by its own weights, in place; returns the members' norms `[K]` from before.

    The paper leaves the last layer out; here all are treated alike.

    Args:
        grads, weights: `[K, P]`.
        layout: where each parameter lies in a row.
        limit: above 0; 0.01 is the paper's for large batches, larger ones suit smaller batches.
    """
    check_limit("limit", limit)
    norms = torch.linalg.vector_norm(grads, dim=1)
    for slot in layout:
        g, w = (
            matrix[:, slot.start : slot.stop].unflatten(1, tuple(slot.shape) or (1,)) for matrix in (grads, weights)
        )
        clip_units(g, w, limit)
    return norms


def clip_units(g: torch.Tensor, w: torch.Tensor, limit: float = 0.01, least: float = 1e-3) -> None:
    """Clips the gradients `[K, out, ...]` of one parameter of K members, unit by unit, in place.

        g_i <- g_i min(1, limit max(|w_i|, least) / |g_i|)         for each output unit i; a vector is one unit

    For a network of your own: `clip_units(p.grad[None], p.detach()[None])`.

    Args:
        g, w: `[K, out, ...]`.
        limit: above 0.
        least: stands in for the length of weights that are about 0, which could not move otherwise.
    """
    dims = tuple(range(2, g.dim())) if g.dim() > 2 else (1,)
    length, room = (torch.linalg.vector_norm(x, dim=dims, keepdim=True) for x in (g, w))
    tiny = torch.finfo(g.dtype).tiny
    g.mul_((limit * room.clamp_min(least) / length.clamp_min(tiny)).clamp_max(1))
