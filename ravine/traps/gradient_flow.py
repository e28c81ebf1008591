"""How much of the gradient arrives at the first layer.

    flow = rms(d loss / d W_first) / max over hidden layers of rms(d loss / d W)

The head is left out: what it lets through depends on its weights, which may begin at 0.
Backward multiplies by a layer's derivative after the other: by at most 1/4 in a sigmoid, so that after ten of them
nothing is left (Hochreiter 1991; Glorot and Bengio 2010, "Understanding the difficulty of training deep feedforward
neural networks").
"""

from collections.abc import Collection

import torch
from torch import nn
from torch.nn import functional as F


def gradient_flow(model: nn.Module, x: torch.Tensor, y: torch.Tensor, skip: Collection[str] = ()) -> float:
    """The root mean square gradient of a weight in the first layer over the largest such of the hidden ones, 0 to 1.

    NaN where there are no two layers before the head, or no gradient at all. Gradients that the network holds stay as
    they are.

    Args:
        model: in eval mode; it is run once, forward and back.
        x: float32 `[B, ...]`; 16 images will do.
        y: int64 `[B]`.
        skip: dotted names of modules whose weights do not count (frozen ones; what takes no gradients never counts).
    """
    left_out = tuple(f"{name}." for name in skip)
    matrices = [
        p for name, p in model.named_parameters() if p.dim() > 1 and p.requires_grad and not name.startswith(left_out)
    ]
    if len(matrices) < 3:
        return float("nan")
    with torch.enable_grad():
        loss = F.cross_entropy(model.forward(x).float(), y)  # not model(x), which may be compiled
        grads = torch.autograd.grad(loss, matrices[:-1], allow_unused=True)
    sizes = [0.0 if grad is None else float(grad.double().square().mean().sqrt()) for grad in grads]
    return sizes[0] / max(sizes) if max(sizes) > 0 else float("nan")
