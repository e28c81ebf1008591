"""CutMix: a piece of one image in another, and the label by area."""

import torch

from ravine.augmentation.checks import number, probability
from ravine.augmentation.erase import box
from ravine.augmentation.mixup import beta_quantiles, quantile
from ravine.augmentation.part import Mixing


class Cutmix(Mixing):
    """A rectangle of the partner is laid over the image, with probability `p`; each label counts by its visible area.

        h = H sqrt(1 - k),   w = W sqrt(1 - k),   k ~ Beta(alpha, alpha);   its middle is anywhere

    Part of the rectangle may lie outside, so labels are weighed by the pixels that are really covered.

    Args:
        alpha: above 0, at most 100; 1 draws every area equally often.
        p: 0 (never) to 1 (always).

    Source: Yun et al., "CutMix", 2019. The paper draws one rectangle for a batch; here each image has its own.
    """

    draws = 4

    def __init__(self, alpha: float = 1.0, p: float = 1.0):
        self.alpha, self.p = number("cutmix", "alpha", alpha, 0.01, 100), probability("cutmix", p)
        self._quantiles = beta_quantiles(self.alpha)

    def share(self, u: torch.Tensor, height: int, width: int) -> torch.Tensor:
        """From draws `[B, 4]` to 1 where the image itself is seen and 0 where its partner is, `[B, 1, H, W]`."""
        side = (1 - quantile(self._quantiles, u[:, 1])).clamp(min=0).sqrt()
        spans = []
        for number_of, length in ((u[:, 2], height), (u[:, 3], width)):
            middle, half = number_of * length, side * length / 2
            spans.append(((middle - half).round().clamp(min=0), (middle + half).round().clamp(max=length)))
        covered = box(spans[0], spans[1], height, width) & (u[:, 0] < self.p)[:, None, None, None]
        return (~covered).float()
