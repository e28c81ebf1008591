"""Rotation: a camera is rarely held quite level."""

import math

import torch

from ravine.augmentation.checks import number
from ravine.augmentation.matrices import identity, symmetric
from ravine.augmentation.part import Geometric


class Rotate(Geometric):
    """Turns an image about its middle by an angle a from -degrees to degrees, counter-clockwise.

        x_in = cos(a) x - sin(a) y
        y_in = sin(a) x + cos(a) y          (y points down)

    Args:
        degrees: 0 to 180.
    """

    draws = 1

    def __init__(self, degrees: float = 15.0):
        self.degrees = number("rotate", "degrees", degrees, 0, 180)

    def matrix(self, u: torch.Tensor, height: int, width: int) -> torch.Tensor:
        """From draws `[B, 1]` to matrices `[B, 3, 3]`."""
        angle = symmetric(u[:, 0], math.radians(self.degrees))
        matrix = identity(u)
        matrix[:, 0, 0] = matrix[:, 1, 1] = angle.cos()
        matrix[:, 1, 0] = angle.sin()
        matrix[:, 0, 1] = -matrix[:, 1, 0]
        return matrix
