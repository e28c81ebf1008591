"""AdamW: Adam with decoupled weight decay.

Loshchilov and Hutter, "Decoupled Weight Decay Regularization", 2019.
"""

from typing import Any

import torch

from ravine.optimization.adam import Adam


class AdamW(Adam):
    """AdamW, as `torch.optim.AdamW`: `Adam` whose `decay` is on.

        m <- beta1 m + (1 - beta1) g            m_hat = m / (1 - beta1^t)
        v <- beta2 v + (1 - beta2) g^2          v_hat = v / (1 - beta2^t)
        w <- w - lr (m_hat / (sqrt(v_hat) + eps) + decay w)

    L2 in the loss goes through m and v, where it is divided by the gradient's scale: weights with large gradients are
    hardly decayed. Here each weight loses the same share. The trainer applies it to matrices and convolutions only, not
    to biases and norms.

    Args:
        params, lr, beta1, beta2, eps: as `Adam`.
        decay: share of each weight lost a step, times `lr`, 0 or more.
    """

    def __init__(
        self,
        params: Any,
        lr: float | torch.Tensor = 1e-3,
        beta1: float | torch.Tensor = 0.9,
        beta2: float | torch.Tensor = 0.999,
        eps: float | torch.Tensor = 1e-8,
        bias_correction: bool = True,
        decay: float | torch.Tensor = 1e-2,
    ):
        super().__init__(params, lr, beta1, beta2, eps, bias_correction, decay)
