"""Gradient clipping: a cliff in the loss must not throw the weights away.

Pascanu, Mikolov and Bengio, "On the difficulty of training recurrent neural networks", 2013.
"""

import torch


def clip_by_norm(grads: torch.Tensor, max_norm: float) -> torch.Tensor:
    """Shortens each member's gradient to `max_norm`, in place; returns the norms `[K]` from before.

        g <- g min(1, max_norm / |g|)

    Args:
        grads: `[K, P]`, a row per member; a member's norm is over its own row.
        max_norm: above 0; `inf` clips nothing and only measures.
    """
    norms = torch.linalg.vector_norm(grads, dim=1)
    if max_norm != float("inf"):
        # a norm of NaN stays NaN: whoever looks at the returned norms sees it
        grads.mul_((max_norm / norms.clamp_min(torch.finfo(grads.dtype).tiny)).clamp_max(1).unsqueeze(1))
    return norms


def clip_by_value(grads: torch.Tensor, limit: float) -> torch.Tensor:
    """Cuts each number of the gradients `[K, P]` off at `limit`, in place; returns the norms `[K]` from before.

        g <- max(-limit, min(limit, g))

    The direction changes, unlike with a norm: steep coordinates lose more than flat ones.

    Args:
        grads: `[K, P]`.
        limit: above 0.
    """
    norms = torch.linalg.vector_norm(grads, dim=1)
    grads.clamp_(-limit, limit)
    return norms
