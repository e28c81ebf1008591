"""TrivialAugment: nothing to tune at all."""

import torch

from ravine.augmentation.matrices import symmetric
from ravine.augmentation.policy import Policy, Reach


class TrivialAugment(Policy):
    """Does one operation to each image, drawn from fourteen, of a strength that is drawn as well.

        strength ~ U(-1, 1);  at 1: shear 0.99, shift 0.45 of a side, 135 degrees, factors 0.01 .. 1.99

    The wide ranges of the paper, but that a shift is a share of the side (the paper: 32 pixels, whatever the size).
    Departures as of `RandAugment`. Rotations of 135 degrees turn a 6 into a 9: not for digits.

    Source: Mueller & Hutter, "TrivialAugment: Tuning-free Yet State-of-the-Art Data Augmentation", 2021.
    """

    name = "trivialaugment"
    reach = Reach(shear=0.99, translate=150 / 331, rotate=135, enhance=0.99, bits=6)

    def __init__(self):
        super().__init__(1, draws_each=2)

    def strengths(self, u: torch.Tensor) -> torch.Tensor:
        """`[B]`, from -1 to 1."""
        return symmetric(u[:, 1], 1)
