"""Gradient clipping: a cliff in the loss must not throw the weights away.

Pascanu, Mikolov and Bengio, "On the difficulty of training recurrent neural networks", 2013. On a population's matrix
`[K, P]`; for the parameters of a network of your own torch has `nn.utils.clip_grad_norm_` and `clip_grad_value_`.
"""

import torch

from ravine.errors import UsageError


def clip_by_norm(grads: torch.Tensor, max_norm: float) -> torch.Tensor:
    """Shortens each member's gradient to `max_norm`, in place; returns the norms `[K]` from before.

        g <- g min(1, max_norm / |g|)

    Args:
        grads: `[K, P]`, a row per member; a member's norm is over its own row.
        max_norm: above 0; `inf` clips nothing and only measures.
    """
    check_limit("max_norm", max_norm)
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
    check_limit("limit", limit)
    norms = torch.linalg.vector_norm(grads, dim=1)
    grads.clamp_(-limit, limit)
    return norms


def check_limit(name: str, limit: float) -> None:
    """Raises UsageError where a limit is no number above 0."""
    if isinstance(limit, bool) or not isinstance(limit, int | float) or not limit > 0:
        raise UsageError(f"{name} cannot be {limit!r}", where="clipping", expected="a number above 0")
