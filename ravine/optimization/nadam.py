"""NAdam: Adam with Nesterov's look ahead.

Dozat, "Incorporating Nesterov Momentum into Adam", 2016.
"""

from functools import lru_cache
from itertools import accumulate
from operator import mul
from typing import Any

import torch

from ravine.optimization.rule import Rule


class NAdam(Rule):
    """NAdam, as `torch.optim.NAdam`, with Dozat's warm-up of the momentum.

        mu(t) = beta1 (1 - 0.96^(t psi) / 2)          M(t) = mu(1) mu(2) ... mu(t)
        m <- beta1 m + (1 - beta1) g
        v <- beta2 v + (1 - beta2) g^2                v_hat = v / (1 - beta2^t)
        w <- w - lr (mu(t+1) m / (1 - M(t+1)) + (1 - mu(t)) g / (1 - M(t))) / (sqrt(v_hat) + eps)

    torch keeps M in float32; here it has double precision.

    Args:
        params: parameters or groups of them.
        lr: rate, 0 or more.
        beta1: memory of the gradient, from 0 to below 1.
        beta2: memory of its square, from 0 to below 1.
        eps: above 0.
        psi: how fast the momentum warms up, 0 or more (torch's momentum_decay).
        decay: share of each weight lost a step, times `lr`, 0 or more (decoupled).
    """

    memory = ("m", "v")

    def __init__(
        self,
        params: Any,
        lr: float | torch.Tensor = 2e-3,
        beta1: float | torch.Tensor = 0.9,
        beta2: float | torch.Tensor = 0.999,
        eps: float | torch.Tensor = 1e-8,
        psi: float | torch.Tensor = 4e-3,
        decay: float | torch.Tensor = 0.0,
    ):
        super().__init__(params, lr=lr, beta1=beta1, beta2=beta2, eps=eps, psi=psi, decay=decay)

    @staticmethod
    def direction(g: torch.Tensor, state: dict[str, Any], group: dict[str, Any]) -> torch.Tensor:
        beta1, beta2, psi, t = group["beta1"], group["beta2"], group["psi"], state["t"]
        mu, mu_next, M = _mu(t, beta1, psi), _mu(t + 1, beta1, psi), _product(t, beta1, psi)
        # m <- beta1 m + (1 - beta1) g
        m = state["m"].mul_(beta1).add_((1 - beta1) * g)
        # v <- beta2 v + (1 - beta2) g^2
        v = state["v"].mul_(beta2).add_(((1 - beta2) * g).mul_(g))
        # d = (mu(t+1) m / (1 - M(t+1)) + (1 - mu(t)) g / (1 - M(t))) / (sqrt(v_hat) + eps)
        ahead = (mu_next / (1 - M * mu_next)) * m + ((1 - mu) / (1 - M)) * g
        return ahead.div_((v / (1 - beta2**t)).sqrt_().add_(group["eps"]))


def _mu(t: int, beta1: Any, psi: Any) -> Any:
    return beta1 * (1 - 0.5 * 0.96 ** (t * psi))


def _product(t: int, beta1: Any, psi: Any) -> Any:
    """M(t); a column of them where a setting is one."""
    if not isinstance(beta1, torch.Tensor) and not isinstance(psi, torch.Tensor):
        return _products(1 << t.bit_length(), beta1, psi)[t - 1]
    column = beta1 * psi  # of the shape and type that both have together
    both = zip(*((0 * column + setting).flatten().tolist() for setting in (beta1, psi)), strict=True)
    return column.new_tensor([_product(t, *numbers) for numbers in both]).view(column.shape)


@lru_cache
def _products(count: int, beta1: float, psi: float) -> tuple[float, ...]:
    """M(1) to M(count). Kept, since every step asks for the next one."""
    return tuple(accumulate((_mu(t, beta1, psi) for t in range(1, count + 1)), mul))
