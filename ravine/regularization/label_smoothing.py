"""Label smoothing: no class is certain, so that the logits need not grow for ever.

Szegedy, Vanhoucke, Ioffe, Shlens and Wojna, "Rethinking the Inception Architecture for Computer Vision", CVPR 2016.
"""

import torch
from torch import Tensor
from torch.nn import functional as F

from ravine.regularization.checks import check_number


def label_smoothing(y: Tensor, classes: int, eps: float = 0.1) -> Tensor:
    """Labels `[...]` to smoothed targets `[..., classes]`, float32, for any loss on probabilities.

        q = (1 - eps) onehot(y) + eps / classes

    `cross_entropy(logits, label_smoothing(y, classes, eps))` is torch's `cross_entropy(..., label_smoothing=eps)`,
    which is what ravine's trainer calls.

    Args:
        y: int64 labels of any shape.
        classes: number of classes.
        eps: from 0 to 1.

    Raises:
        UsageError: eps out of range.
    """
    check_eps(eps)
    return F.one_hot(y, classes).to(torch.float32).mul_(1 - eps).add_(eps / classes)


def check_eps(eps: float) -> float:
    """`eps`, where it is a number from 0 to 1; UsageError otherwise."""
    return check_number("label_smoothing", "eps", eps, 0.0, 1.0, "a number from 0 to 1")
