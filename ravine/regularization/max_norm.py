"""Max norm: the weights into each unit may point anywhere, but not be longer than a limit.

Srebro, Rennie and Jaakkola, "Maximum-Margin Matrix Factorization", 2004; with dropout: Srivastava et al. 2014.
"""

import math
from collections.abc import Iterable

import torch
from torch import Tensor

from ravine.errors import UsageError
from ravine.regularization.checks import check_number
from ravine.regularization.masks import Slot


def max_norm(weights: Tensor, layout: Iterable[Slot], limit: float = 3.0) -> None:
    """Shortens every unit of every matrix and convolution to `limit`, in place; to be called after each step.

    Biases and norms (parameters of one dimension) are left alone. Before a batch norm, whose output does not depend on
    the length of the weights, this bounds the effective rate from below, and nothing else.

    Args:
        weights: `[K, P]`.
        layout: where each parameter lies in a row.
        limit: above 0; Srivastava et al. use 3 to 4.

    Raises:
        UsageError: a limit that cannot be.
    """
    check_limit(limit)
    for slot in layout:
        if len(slot.shape) > 1:
            shorten_units(weights[:, slot.start : slot.stop].unflatten(1, tuple(slot.shape)), limit)


@torch.no_grad()
def shorten_units(w: Tensor, limit: float = 3.0) -> None:
    """Shortens the units of one parameter `[K, out, ...]` of K members, in place.

        w_i <- w_i min(1, limit / |w_i|)        for each output unit i, over all its inputs

    For a network of your own: `shorten_units(layer.weight.detach()[None])`.
    """
    length = torch.linalg.vector_norm(w, dim=tuple(range(2, w.dim())), keepdim=True)
    w.mul_((limit / length.clamp_min(torch.finfo(w.dtype).tiny)).clamp_max(1))


def check_limit(limit: float) -> float:
    """`limit`, where it is a number above 0; UsageError otherwise."""
    if limit == 0:
        raise UsageError("limit cannot be 0", where="max_norm", expected="a number above 0")
    return check_number("max_norm", "limit", limit, 0.0, math.inf, "a number above 0")
