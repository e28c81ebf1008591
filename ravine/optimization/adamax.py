"""Adamax: Adam with the largest gradient of late in place of the root of the mean square.

Kingma and Ba, "Adam: A Method for Stochastic Optimization", 2015, algorithm 2.
"""

from typing import Any

import torch

from ravine.optimization.rule import Rule


class Adamax(Rule):
    """Adamax, as `torch.optim.Adamax`, which adds `eps` inside the maximum; the paper has none.

        m <- beta1 m + (1 - beta1) g            m_hat = m / (1 - beta1^t)
        u <- max(beta2 u, |g| + eps)
        w <- w - lr m_hat / u

    Args:
        params: parameters or groups of them.
        lr: rate, 0 or more; no step is longer in any coordinate, once m is warm.
        beta1: memory of the gradient, from 0 to below 1.
        beta2: how fast a large gradient is forgotten, from 0 to below 1.
        eps: above 0.
        decay: share of each weight lost a step, times `lr`, 0 or more (decoupled; torch's `weight_decay` is not).
    """

    memory = ("m", "u")

    def __init__(
        self,
        params: Any,
        lr: float | torch.Tensor = 2e-3,
        beta1: float | torch.Tensor = 0.9,
        beta2: float | torch.Tensor = 0.999,
        eps: float | torch.Tensor = 1e-8,
        decay: float | torch.Tensor = 0.0,
    ):
        super().__init__(params, lr=lr, beta1=beta1, beta2=beta2, eps=eps, decay=decay)

    @staticmethod
    def direction(g: torch.Tensor, state: dict[str, Any], group: dict[str, Any]) -> torch.Tensor:
        beta1, beta2, t = group["beta1"], group["beta2"], state["t"]
        # m <- beta1 m + (1 - beta1) g
        m = state["m"].mul_(beta1).add_((1 - beta1) * g)
        # u <- max(beta2 u, |g| + eps)
        u = state["u"].mul_(beta2)
        torch.maximum(u, g.abs().add_(group["eps"]), out=u)
        # d = m_hat / u
        return (m / (1 - beta1**t)).div_(u)
