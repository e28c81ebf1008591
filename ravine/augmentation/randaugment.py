"""RandAugment: one number instead of a search."""

import torch

from ravine.augmentation.checks import number, whole
from ravine.augmentation.policy import Policy, Reach


class RandAugment(Policy):
    """Does `n` operations to each image, drawn with replacement from fourteen, all of the same strength.

        strength = +-magnitude / 30;  at 30: shear 0.3, shift 0.45 of a side, 30 degrees, factors 0.1 .. 1.9

    Departures from the paper: geometry first (see `Policy`), shifts by whole pixels, edges reflected instead of gray.

    Args:
        n: operations an image, 1 to 8.
        magnitude: 0 to 30; 0 leaves only autocontrast and equalize.

    Source: Cubuk et al., "RandAugment", 2019; the ranges are those of torchvision.
    """

    name = "randaugment"
    reach = Reach(shear=0.3, translate=150 / 331, rotate=30, enhance=0.9, bits=4)

    def __init__(self, n: int = 2, magnitude: float = 9):
        super().__init__(whole("randaugment", "n", n, 1, 8), draws_each=2)
        self.magnitude = number("randaugment", "magnitude", magnitude, 0, 30)

    def strengths(self, u: torch.Tensor) -> torch.Tensor:
        """The magnitude with a random sign, `[B]`."""
        return torch.where(u[:, 1] < 0.5, -1.0, 1.0) * (self.magnitude / 30)
