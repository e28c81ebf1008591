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

    m and v start at 0; without the corrections the first step is about three times too long (m is a tenth of what it
    should be, the root of v a thirtieth). A rate of 1e-3 or 5e-4 is a great starting point for many models.

    Args:
        params: parameters or groups of them.
        lr: rate, 0 or more; about the length of a step in each coordinate, whatever the gradient's scale.
        beta1: memory of the gradient, from 0 to below 1.
        beta2: memory of its square, from 0 to below 1.
        eps: above 0; keeps coordinates with vanishing gradients from leaping.
        bias_correction: False leaves m and v as they are, to see what the correction is for.
        decay: share of each weight lost a step, times `lr`, 0 or more: decoupled, which makes Adam AdamW.
    """

    memory = ("m", "v")
    kernel_decays = True

    def __init__(
        self,
        params: Any,
        lr: float | torch.Tensor = 1e-3,
        beta1: float | torch.Tensor = 0.9,
        beta2: float | torch.Tensor = 0.999,
        eps: float | torch.Tensor = 1e-8,
        bias_correction: bool = True,
        decay: float | torch.Tensor = 0.0,
    ):
        settings = {"beta1": beta1, "beta2": beta2, "eps": eps, "bias_correction": bias_correction, "decay": decay}
        super().__init__(params, lr=lr, **settings)

    @staticmethod
    def direction(g: torch.Tensor, state: dict[str, Any], group: dict[str, Any]) -> torch.Tensor:
        beta1, beta2, t = group["beta1"], group["beta2"], state["t"]
        # m <- beta1 m + (1 - beta1) g
        m = state["m"].mul_(beta1).add_((1 - beta1) * g)
        # v <- beta2 v + (1 - beta2) g^2
        v = state["v"].mul_(beta2).add_(((1 - beta2) * g).mul_(g))
        # d = m_hat / (sqrt(v_hat) + eps)
        if not group["bias_correction"]:
            return m / v.sqrt().add_(group["eps"])
        return (m / (1 - beta1**t)).div_((v / (1 - beta2**t)).sqrt_().add_(group["eps"]))

    @staticmethod
    def kernel(weights: list[torch.Tensor], gradients: list[torch.Tensor], states: list[Any], group: Any) -> None:
        m, v = ([state[name] for state in states] for name in ("m", "v"))
        # 1 - beta^t is 1 after a billion steps: no correction
        t = [torch.tensor(float(state["t"]) if group["bias_correction"] else 1e9) for state in states]
        settings = {name: group[name] for name in ("lr", "beta1", "beta2", "eps")}
        decay = 0.0 if isinstance(group["decay"], torch.Tensor) else group["decay"]
        fixed = {"weight_decay": decay, "amsgrad": False, "maximize": False}
        torch._fused_adamw_(weights, gradients, m, v, [], t, **settings, **fixed)  # pyright: ignore
