"""Muon: momentum whose matrices are made orthogonal, so that no direction of a layer is left behind.

Jordan et al., "Muon: An optimizer for hidden layers in neural networks", 2024; the scale "rms" is from Liu et al.,
"Muon is Scalable for LLM Training", 2025.
"""

from typing import Any

import torch

from ravine.optimization.adam import Adam
from ravine.optimization.rule import Rule


class Muon(Rule):
    """Muon for matrices and convolutions `[out, in, ...]`, taken as matrices `[out, in * ...]`; Adam for all else.

        m <- rho m + (1 - rho) g
        n = (1 - rho) g + rho m  (Nesterov)  or  m
        O = orthogonal(n): the nearest matrix whose singular values are all about 1
        w <- w - lr (scale O + decay w)

    With `scale="original"` that is `torch.optim.Muon`, which refuses what is no matrix: `scale = sqrt(max(1, rows /
    columns))`, and the length of a step depends on the shape. "rms" is torch's "match_rms_adamw": `scale = 0.2
    sqrt(max(rows, columns))`, so that steps are as long as Adam's and one `lr` serves both.

    Args:
        params: parameters or groups of them.
        lr: rate, 0 or more.
        rho: friction, from 0 to 1.
        nesterov: whether to look ahead.
        scale: "rms" or "original".
        precision: of the Newton-Schulz iteration: "bfloat16" as in torch, or that of the "weights".
        iterations: of Newton-Schulz, 1 to 100; after 5 the singular values lie between about 0.7 and 1.2.
        beta1, beta2, eps: of Adam, for biases, norms and other vectors.
        decay: share of each weight lost a step, times `lr`, 0 or more.
    """

    memory = ("m", "v")
    whole = True
    choices = {"scale": ("rms", "original"), "precision": ("bfloat16", "weights")}

    def __init__(
        self,
        params: Any,
        lr: float | torch.Tensor = 1e-3,
        rho: float | torch.Tensor = 0.95,
        nesterov: bool = True,
        scale: str = "rms",
        precision: str = "bfloat16",
        iterations: int = 5,
        beta1: float | torch.Tensor = 0.9,
        beta2: float | torch.Tensor = 0.999,
        eps: float | torch.Tensor = 1e-8,
        decay: float | torch.Tensor = 0.1,
    ):
        matrices = {"rho": rho, "nesterov": nesterov, "scale": scale, "precision": precision, "iterations": iterations}
        super().__init__(params, lr=lr, **matrices, beta1=beta1, beta2=beta2, eps=eps, decay=decay)

    @staticmethod
    def direction(g: torch.Tensor, state: dict[str, Any], group: dict[str, Any]) -> torch.Tensor:
        if g.dim() < 3:  # [K], [K, P]: scalars and vectors
            return Adam.direction(g, state, {**group, "bias_correction": True})
        rho = group["rho"]
        # m <- rho m + (1 - rho) g
        m = state["m"].mul_(rho).add_((1 - rho) * g)
        # n = (1 - rho) g + rho m  (Nesterov)  or  m
        n = (1 - rho) * g + rho * m if group["nesterov"] else m
        matrices = n.flatten(2)
        rows, columns = matrices.shape[1:]
        ratio = max(1, rows / columns) if group["scale"] == "original" else 0.04 * max(rows, columns)
        precise = matrices.bfloat16() if group["precision"] == "bfloat16" else matrices
        # on a CPU member by member: a batched product may round by the size of the batch
        parts = [precise] if precise.is_cuda else precise.split(1)
        o = torch.cat([orthogonal(part, group["iterations"]) for part in parts])
        return ratio**0.5 * o.to(g.dtype).view_as(g)


def orthogonal(matrices: torch.Tensor, iterations: int = 5) -> torch.Tensor:
    """`U V^T` of `U S V^T`, nearly, for matrices `[K, rows, columns]`, without a singular value decomposition.

        X <- X / |X|,   then each iteration   X <- a X + (b A + c A^2) X,   A = X X^T

    The quintic's coefficients make small singular values grow fastest; they end between about 0.7 and 1.2, not at 1.
    """
    a, b, c = 3.4445, -4.7750, 2.0315
    wide = matrices.shape[1] <= matrices.shape[2]
    X = matrices if wide else matrices.mT
    X = X / torch.linalg.vector_norm(X, dim=(1, 2), keepdim=True).clamp(min=1e-7)
    for _ in range(iterations):
        A = X @ X.mT
        X = torch.baddbmm(X, torch.baddbmm(A, A, A, beta=b, alpha=c), X, beta=a)
    return X if wide else X.mT
