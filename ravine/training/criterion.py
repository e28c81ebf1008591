"""The loss of the data that is descended: cross entropy, per member."""

from collections.abc import Callable

import torch
from torch.nn import functional as F

from ravine.errors import UsageError


def cross_entropy(
    class_weights: torch.Tensor | None = None, label_smoothing: float = 0.0
) -> Callable[[torch.Tensor, torch.Tensor], torch.Tensor]:
    """A function from logits `[K, B, classes]` and targets to losses `[K]`.

        loss = mean over the batch of  -sum_c w[c] q[c] log softmax(logits)[c],
        q = (1 - label_smoothing) target + label_smoothing / classes

    Targets are labels `[K, B]`, int64, or probabilities `[K, B, classes]`, such as those of mixed images. Unlike
    torch's weighted mean of labels the sum is divided by B and not by the batch's weights, so that each image counts
    the same in whichever batch it lies; otherwise it is torch's definition.

    Args:
        class_weights: w `[classes]`; 1 for all where None.
        label_smoothing: from 0 to 1 (Szegedy et al. 2016). For training only: validation is scored without.

    Raises:
        UsageError: label_smoothing out of range.
    """
    eps = label_smoothing
    if isinstance(eps, bool) or not isinstance(eps, int | float) or not 0 <= eps <= 1:
        raise UsageError(f"eps cannot be {eps!r}", where="label_smoothing", expected="a number from 0 to 1")

    def criterion(logits: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        members, batch, _ = logits.shape
        targets = y.flatten(0, 1)
        losses = F.cross_entropy(
            logits.flatten(0, 1), targets, class_weights, reduction="none", label_smoothing=float(eps)
        )
        return losses.view(members, batch).mean(1)

    return criterion
