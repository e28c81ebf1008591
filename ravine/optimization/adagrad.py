"""AdaGrad: divide by the root of all squared gradients so far, so that steep directions slow down and flat ones do not.

Duchi, Hazan and Singer, "Adaptive Subgradient Methods for Online Learning and Stochastic Optimization", 2011.
"""

from typing import Any

import torch

from ravine.optimization.rule import Rule


class AdaGrad(Rule):
    """AdaGrad, as `torch.optim.Adagrad`.

        s <- s + g^2
        w <- w - lr g / (sqrt(s) + eps)

    s only grows, so the steps only shrink (as `1 / sqrt(t)` under steady gradients): good for a convex bowl, and a halt
    half way in a network. RMSProp forgets instead. `eps` is added to the root, as in torch and in the lecture.

    Args:
        params: parameters or groups of them.
        lr: rate, 0 or more; the length of the first step in each coordinate, whatever the gradient's scale.
        eps: above 0.
        decay: share of each weight lost a step, times `lr`, 0 or more (decoupled; torch's `weight_decay` is not).
    """

    memory = ("s",)

    def __init__(
        self,
        params: Any,
        lr: float | torch.Tensor = 1e-2,
        eps: float | torch.Tensor = 1e-10,
        decay: float | torch.Tensor = 0.0,
    ):
        super().__init__(params, lr=lr, eps=eps, decay=decay)

    @staticmethod
    def direction(g: torch.Tensor, state: dict[str, Any], group: dict[str, Any]) -> torch.Tensor:
        # s <- s + g^2
        s = state["s"].add_(g * g)
        # d = g / (sqrt(s) + eps)
        return g / s.sqrt().add_(group["eps"])

    @staticmethod
    def kernel(weights: list[torch.Tensor], gradients: list[torch.Tensor], states: list[Any], group: Any) -> None:
        s, t = [state["s"] for state in states], [torch.tensor(float(state["t"])) for state in states]
        settings = {"lr": group["lr"], "eps": group["eps"]}
        fixed = {"lr_decay": 0, "weight_decay": 0, "maximize": False}
        torch._fused_adagrad_(weights, gradients, s, t, **settings, **fixed)  # pyright: ignore
