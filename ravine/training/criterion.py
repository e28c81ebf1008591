"""The loss that is descended: cross entropy, per member."""

from collections.abc import Callable

import torch
from torch.nn import functional as F


def cross_entropy(class_weights: torch.Tensor | None = None) -> Callable[[torch.Tensor, torch.Tensor], torch.Tensor]:
    """A function from logits `[K, B, classes]` and labels `[K, B]` to losses `[K]`.

        loss = mean over the batch of  -w[y] log softmax(logits)[y]

    Unlike torch's weighted mean the sum is divided by B and not by the batch's weights, so that each image counts the
    same in whichever batch it lies.

    Args:
        class_weights: w `[classes]`; 1 for all where None.
    """

    def criterion(logits: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        losses = F.cross_entropy(logits.flatten(0, 1), y.flatten(), class_weights, reduction="none")
        return losses.view(y.shape).mean(1)

    return criterion
