"""Lion: only the sign of the momentum, so that every weight moves by the same amount.

Chen et al., "Symbolic Discovery of Optimization Algorithms", 2023.
"""

from typing import Any

import torch

from ravine.optimization.rule import Rule


class Lion(Rule):
    """Lion; torch has none. Half of Adam's memory.

        w <- w - lr (sign(beta1 m + (1 - beta1) g) + decay w)
        m <- beta2 m + (1 - beta2) g

    The step is `lr` in every coordinate, so it takes a rate 3 to 10 times smaller than Adam's, and a decay as much
    larger.

    Args:
        params: parameters or groups of them.
        lr: rate, 0 or more; the exact length of a step in each coordinate.
        beta1: how much of the momentum is in the sign, from 0 to below 1.
        beta2: memory of the gradient, from 0 to below 1.
        decay: share of each weight lost a step, times `lr`, 0 or more.
    """

    memory = ("m",)

    def __init__(
        self,
        params: Any,
        lr: float | torch.Tensor = 1e-4,
        beta1: float | torch.Tensor = 0.9,
        beta2: float | torch.Tensor = 0.99,
        decay: float | torch.Tensor = 0.0,
    ):
        super().__init__(params, lr=lr, beta1=beta1, beta2=beta2, decay=decay)

    @staticmethod
    def direction(g: torch.Tensor, state: dict[str, Any], group: dict[str, Any]) -> torch.Tensor:
        beta1, beta2, m = group["beta1"], group["beta2"], state["m"]
        # d = sign(beta1 m + (1 - beta1) g)
        d = (beta1 * m).add_((1 - beta1) * g).sign_()
        # m <- beta2 m + (1 - beta2) g
        m.mul_(beta2).add_((1 - beta2) * g)
        return d
