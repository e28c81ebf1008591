"""SGD with momentum: a ball that keeps rolling; what alternates cancels, what agrees adds up.

Polyak, "Some methods of speeding up the convergence of iteration methods", 1964; Nesterov's form as in Sutskever et
al., "On the importance of initialization and momentum in deep learning", 2013.
"""

from typing import Any

import torch

from ravine.optimization.rule import Rule


class Momentum(Rule):
    """SGD + momentum, as `torch.optim.SGD(momentum=rho, nesterov=...)`.

        v <- rho v + g
        w <- w - lr v                if not nesterov
        w <- w - lr (g + rho v)      if nesterov

    The lecture notes that this project began from print `x += learning_rate * vx`, which climbs; a descent subtracts.
    A constant gradient ends up moving `1 / (1 - rho)` times as fast as with SGD: choose `lr` that much smaller.

    `decay` is decoupled: it shrinks the weights and stays out of the velocity, where torch's `weight_decay` is added to
    the gradient (Loshchilov and Hutter, 2019, call this form SGDW).

    Args:
        params: parameters or groups of them.
        lr: rate, 0 or more.
        rho: friction, from 0 (none kept: SGD) to 1 (nothing lost).
        nesterov: measure where the velocity leads instead of where it started.
        decay: share of each weight lost a step, times `lr`, 0 or more.
    """

    memory = ("v",)

    def __init__(
        self,
        params: Any,
        lr: float | torch.Tensor = 0.05,
        rho: float | torch.Tensor = 0.9,
        nesterov: bool = False,
        decay: float | torch.Tensor = 0.0,
    ):
        super().__init__(params, lr=lr, rho=rho, nesterov=nesterov, decay=decay)

    @staticmethod
    def direction(g: torch.Tensor, state: dict[str, Any], group: dict[str, Any]) -> torch.Tensor:
        rho = group["rho"]
        # v <- rho v + g
        v = state["v"].mul_(rho).add_(g)
        # d = g + rho v  (Nesterov)  or  v
        return g + rho * v if group["nesterov"] else v

    @staticmethod
    def kernel(weights: list[torch.Tensor], gradients: list[torch.Tensor], states: list[Any], group: Any) -> None:
        v = [state["v"] for state in states]
        if group["rho"] == 0:  # which torch's kernel takes for a rule without a velocity
            torch._foreach_copy_(v, gradients)  # pyright: ignore[reportPrivateImportUsage]
            torch._foreach_sub_(weights, gradients, alpha=group["lr"])  # pyright: ignore[reportPrivateImportUsage]
            return
        settings = {"lr": group["lr"], "momentum": group["rho"], "nesterov": group["nesterov"]}
        fixed = {"weight_decay": 0, "dampening": 0, "maximize": False, "is_first_step": False}
        torch._fused_sgd_(weights, gradients, v, **settings, **fixed)  # pyright: ignore
