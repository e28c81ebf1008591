"""Shear: upright things lean."""

import math

import torch

from ravine.augmentation.checks import number
from ravine.augmentation.matrices import identity, symmetric
from ravine.augmentation.part import Geometric


class Shear(Geometric):
    """Leans an image sideways and up or down, each by an angle of its own from -degrees to degrees.

        x_in = x + tan(a) y,   y_in = tan(b) x + y

    Args:
        degrees: 0 to 40, where both at once still leave a picture (45 would press it into a line).
    """

    draws = 2

    def __init__(self, degrees: float = 10.0):
        self.degrees = number("shear", "degrees", degrees, 0, 40)

    def matrix(self, u: torch.Tensor, height: int, width: int) -> torch.Tensor:
        """From draws `[B, 2]` to matrices `[B, 3, 3]`."""
        slope = symmetric(u, math.radians(self.degrees)).tan()
        matrix = identity(u)
        matrix[:, 0, 1], matrix[:, 1, 0] = slope[:, 0], slope[:, 1]
        return matrix
