"""Stochastic gradient descent: straight down the slope that this mini-batch shows.

Robbins and Monro, "A Stochastic Approximation Method", 1951.
"""

from typing import Any

import torch

from ravine.optimization.rule import Rule


class SGD(Rule):
    """SGD, as `torch.optim.SGD` without momentum.

        w <- w - lr g

    Where the loss is steep one way and flat another, the steep way bounds `lr` and the flat way crawls.

    Args:
        params: parameters or groups of them.
        lr: rate, 0 or more.
        decay: share of each weight lost a step, times `lr`, 0 or more; for SGD the same as L2 `decay/2 |w|^2` in the
            loss.
    """

    def __init__(self, params: Any, lr: float | torch.Tensor = 0.1, decay: float | torch.Tensor = 0.0):
        super().__init__(params, lr=lr, decay=decay)

    @staticmethod
    def direction(g: torch.Tensor, state: dict[str, Any], group: dict[str, Any]) -> torch.Tensor:
        # d = g
        return g

    @staticmethod
    def kernel(weights: list[torch.Tensor], gradients: list[torch.Tensor], states: list[Any], group: Any) -> None:
        torch._foreach_sub_(weights, gradients, alpha=group["lr"])  # pyright: ignore[reportPrivateImportUsage]
