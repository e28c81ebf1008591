"""Grayscale: shape without colour."""

import torch

from ravine.augmentation.checks import probability
from ravine.augmentation.luma import luma_weights, refuse_other_than_colour
from ravine.augmentation.part import Colour


class Grayscale(Colour):
    """Takes the colour out of an image with probability `p`; it keeps its channels, which become equal.

        out = 0.299 R + 0.587 G + 0.114 B

    Gray images are left as they are.

    Args:
        p: 0 (never) to 1 (always).
    """

    draws = 1

    def __init__(self, p: float = 0.1):
        self.p = probability("grayscale", p)

    def refuse(self, channels: int, height: int, width: int) -> None:
        """Raises UsageError where channels are neither gray nor red, green and blue."""
        refuse_other_than_colour("grayscale", channels)

    def colours(self, u: torch.Tensor, mean: torch.Tensor) -> torch.Tensor:
        """From draws `[B, 1]` and means `[B, C]` to matrices `[B, C, C + 1]`."""
        channels = mean.shape[1]
        matrix = torch.eye(channels, channels + 1, dtype=mean.dtype, device=mean.device).repeat(len(u), 1, 1)
        if channels == 3:
            matrix[u[:, 0] < self.p, :, :3] = luma_weights(3, mean)
        return matrix
