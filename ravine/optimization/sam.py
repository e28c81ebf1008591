"""SAM: take the gradient not here but at the worst point near by, so that the minimum found is a flat one.

Foret, Kleiner, Mobahi and Neyshabur, "Sharpness-Aware Minimization for Efficiently Improving Generalization", 2021.
"""

import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch

from ravine.errors import UsageError


@contextmanager
@torch.no_grad()
def ascended(
    weights: Sequence[torch.Tensor], gradients: Sequence[torch.Tensor], norm: torch.Tensor, radius: float
) -> Iterator[None]:
    """Inside the block the weights are the worst near by; after it they are as before, bit by bit.

        w + radius g / |g|

    Args:
        weights, gradients: tensors of equal shapes.
        norm: `|g|`; a number, or `[K, 1]` where each row is a member.
        radius: 0 or more; 0.05 is the paper's.
    """
    kept = [w.clone() for w in weights]
    for w, g in zip(weights, gradients, strict=True):
        w.add_(g * (radius / norm.clamp_min(torch.finfo(w.dtype).tiny)))
    try:
        with torch.enable_grad():
            yield
    finally:
        for w, before in zip(weights, kept, strict=True):
            w.copy_(before)


class SAM:
    """Any optimizer, moved by the gradient at the worst point near by; a step costs two.

        optimizer = SAM(Momentum(model.parameters(), lr=0.1), radius=0.05)

        def closure():
            optimizer.zero_grad()
            loss = criterion(model(x), y)
            loss.backward()
            return loss

        loss = optimizer.step(closure)

    Schedulers work on `optimizer.optimizer`. The second pass moves batch norm's running statistics once more, at the
    displaced weights; the trainer puts them back.

    Args:
        optimizer: any `torch.optim.Optimizer` that needs no closure of its own (not LBFGS).
        radius: how far the worst point may lie, 0 or more.
    """

    def __init__(self, optimizer: torch.optim.Optimizer, radius: float = 0.05):
        if not isinstance(optimizer, torch.optim.Optimizer):
            raise UsageError(f"a {type(optimizer).__name__}", where="sam", expected="a torch.optim.Optimizer")
        if isinstance(radius, bool) or not isinstance(radius, int | float) or not 0 <= radius < math.inf:
            raise UsageError(f"radius cannot be {radius!r}", where="sam", expected="a finite number, 0 or more")
        self.optimizer, self.radius = optimizer, radius

    @property
    def param_groups(self) -> list[dict[str, Any]]:
        return self.optimizer.param_groups

    def zero_grad(self, set_to_none: bool = True) -> None:
        """As the optimizer's."""
        self.optimizer.zero_grad(set_to_none)

    def state_dict(self) -> dict[str, Any]:
        """The optimizer's: SAM itself remembers nothing."""
        return self.optimizer.state_dict()

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """As the optimizer's."""
        self.optimizer.load_state_dict(state)

    def step(self, closure: Callable[[], Any]) -> Any:
        """Calls `closure` (zero the gradients, forward, backward) twice and steps; returns the first loss."""
        with torch.enable_grad():
            loss = closure()
        weights = [w for group in self.param_groups for w in group["params"] if w.grad is not None]
        if not weights:
            return loss
        gradients = [w.grad for w in weights]
        norm = torch.linalg.vector_norm(torch.stack([torch.linalg.vector_norm(g) for g in gradients]))
        with ascended([w.detach() for w in weights], gradients, norm, self.radius):
            closure()
        self.optimizer.step()
        return loss
