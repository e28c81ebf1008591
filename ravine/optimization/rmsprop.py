"""RMSProp: AdaGrad that forgets, so that the steps do not die away.

Tieleman and Hinton, "Lecture 6.5: RMSProp", Coursera, 2012.
"""

from typing import Any

import torch

from ravine.optimization.rule import Rule


class RMSProp(Rule):
    """RMSProp, as `torch.optim.RMSprop(alpha=beta)`.

        s <- beta s + (1 - beta) g^2
        w <- w - lr g / (sqrt(s) + eps)

    s starts at 0 and is not corrected, so the first step is `1 / sqrt(1 - beta)` times too long (10 times at 0.99):
    Adam's bias correction is the cure. `eps` is added to the root, as in torch; Hinton and TensorFlow put it inside.

    Args:
        params: parameters or groups of them.
        lr: rate, 0 or more; about the length of a step in each coordinate.
        beta: memory of the squared gradient, from 0 to below 1 (torch's alpha, the lecture's decay_rate).
        eps: above 0.
        decay: share of each weight lost a step, times `lr`, 0 or more (decoupled; torch's `weight_decay` is not).
    """

    memory = ("s",)

    def __init__(
        self,
        params: Any,
        lr: float | torch.Tensor = 1e-3,
        beta: float | torch.Tensor = 0.99,
        eps: float | torch.Tensor = 1e-8,
        decay: float | torch.Tensor = 0.0,
    ):
        super().__init__(params, lr=lr, beta=beta, eps=eps, decay=decay)

    @staticmethod
    def direction(g: torch.Tensor, state: dict[str, Any], group: dict[str, Any]) -> torch.Tensor:
        beta = group["beta"]
        # s <- beta s + (1 - beta) g^2
        s = state["s"].mul_(beta).add_(((1 - beta) * g).mul_(g))
        # d = g / (sqrt(s) + eps)
        return g / s.sqrt().add_(group["eps"])
