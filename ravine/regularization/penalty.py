"""A term added to the loss, as a value and a gradient, without a pass of autograd through the weights.

penalty = l2(5e-4)
loss.backward()
extra = penalize(model, penalty)      # after backward: the gradients are those of loss + extra
optimizer.step()
"""

from collections.abc import Callable, Mapping

import torch
from torch import Tensor, nn

from ravine.errors import UsageError

_BLOCK = 1 << 17  # columns

Penalty = Callable[[Tensor, Tensor], Tensor]
"""From weights `[K, ...]` to values `[K]`; adds its gradient to the gradients `[K, ...]`, in place."""


def penalize(model: nn.Module, penalty: Penalty, start: Mapping[str, Tensor] | None = None) -> Tensor:
    """Adds a penalty's gradient to that of every weight of 2 or more dimensions; returns its value, a scalar.

    For any loop, between `backward` and the step. Weights without a gradient (frozen ones) are left out.

    Args:
        model: after `backward`.
        penalty: of the weights, or of their distance to a start.
        start: weights by name to measure from, such as pretrained ones: with l2 that is L2-SP. Those that it does not
            name, such as a new head's, are measured from 0.

    Raises:
        UsageError: a start of another shape than the weight, or one that is the weight itself.
    """
    total = torch.zeros(())
    for name, w in model.named_parameters():
        if w.dim() > 1 and w.grad is not None:
            moved = w.detach() if start is None or name not in start else _from(name, w.detach(), start[name])
            total = total.to(w.device) + penalty(moved.unsqueeze(0), w.grad.unsqueeze(0)).sum()
    return total


def _from(name: str, w: Tensor, start: Tensor) -> Tensor:
    if start.shape != w.shape:
        found = f"{name} starts as {list(start.shape)}, the weight is {list(w.shape)}"
        raise UsageError(found, where="penalize", expected="equal shapes", cure="Leave a new head out of start")
    if start.data_ptr() == w.data_ptr():  # as of state_dict(), which is no copy: no distance, ever
        raise UsageError(
            f"the start of {name} is the weight itself", where="penalize", expected="a copy", cure="clone()"
        )
    return w - start.to(w)


def coefficient(strength: float | Tensor, mask: Tensor | None) -> float | Tensor:
    """What each weight's penalty is multiplied by: `strength`, a number or a column `[K, 1]`, where the mask is 1."""
    if mask is None:
        return strength
    return mask * (strength.to(mask) if isinstance(strength, Tensor) else strength)


def _sums(rows: Tensor) -> Tensor:
    """Of each row. On a CPU one after the other: threads part one row otherwise than several, and round otherwise."""
    return rows.sum(1) if rows.is_cuda else torch.stack([row.sum() for row in rows])


def applied(
    pull: Callable[[Tensor, float | Tensor], Tensor], strength: float | Tensor, weights: Tensor, grads: Tensor | None
) -> Tensor:
    """Adds `pull(w, strength)`, the penalty's gradient, to the gradients; returns the sums of `pull(w, strength) w`.

    A matrix goes block by block, so that what is pulled stays in the processor's cache.

    Args:
        pull: a function of weights, each on its own, and of the strength.
        strength: a number, or a tensor that broadcasts against the weights.
        weights: `[K, ...]`.
        grads: likewise, changed in place; None leaves them out.
    """
    total = weights.new_zeros(len(weights))
    width = _BLOCK if weights.dim() == 2 else max(1, weights.shape[-1])
    for start in range(0, weights.shape[-1], width):
        columns = slice(start, start + width)
        w, s = weights[..., columns], strength
        if isinstance(s, Tensor):  # in the weights' number format, so that a column acts as a number on one network
            s = (s if s.shape[-1] == 1 else s[..., columns]).to(weights)
        found = pull(w, s)
        if grads is not None:
            grads[..., columns].add_(found)
        total += _sums(found.mul_(w).flatten(1))
    return total
