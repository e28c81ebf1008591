"""Adam: momentum over RMSProp, with the first steps corrected.

Kingma and Ba, "Adam: A Method for Stochastic Optimization", 2015, algorithm 1.
"""

from typing import Any

import torch

from ravine.optimization.rule import Rule


class Adam(Rule):
    """Adam, as `torch.optim.Adam`: `eps` is added to the root of the corrected `v`, as in the paper.

        m <- beta1 m + (1 - beta1) g            m_hat = m / (1 - beta1^t)
        v <- beta2 v + (1 - beta2) g^2          v_hat = v / (1 - beta2^t)
        w <- w - lr m_hat / (sqrt(v_hat) + eps)

    m and v start at 0; without the corrections the first steps are about three times too long (m is a tenth of what
    it should be, the root of v a thirtieth). A rate of 1e-3 or 5e-4 is a great starting point for many models.

    Args:
        params: parameters or groups of them.
        lr: rate, 0 or more; about the length of a step in each coordinate, whatever the gradient's scale.
        beta1: memory of the gradient, from 0 to below 1.
        beta2: memory of its square, from 0 to below 1.
        eps: above 0; keeps coordinates with vanishing gradients from leaping.
    """

    def __init__(
        self,
        params: Any,
        lr: float | torch.Tensor = 1e-3,
        beta1: float | torch.Tensor = 0.9,
        beta2: float | torch.Tensor = 0.999,
        eps: float | torch.Tensor = 1e-8,
    ):
        super().__init__(params, lr=lr, beta1=beta1, beta2=beta2, eps=eps)

    @staticmethod
    def direction(g: torch.Tensor, state: dict[str, Any], group: dict[str, Any]) -> torch.Tensor:
        beta1, beta2 = group["beta1"], group["beta2"]
        if not state:
            state.update(t=0, m=torch.zeros_like(g), v=torch.zeros_like(g))
        t = state["t"] = state["t"] + 1
        # m <- beta1 m + (1 - beta1) g
        m = state["m"].mul_(beta1).add_((1 - beta1) * g)
        # v <- beta2 v + (1 - beta2) g^2
        v = state["v"].mul_(beta2).add_((1 - beta2) * g * g)
        # d = m_hat / (sqrt(v_hat) + eps)
        root = (v / (1 - beta2**t)).sqrt_().add_(group["eps"])
        return (m / (1 - beta1**t)).div_(root)
