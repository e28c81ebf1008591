"""Scale: the same thing, nearer or farther."""

import math

import torch

from ravine.augmentation.checks import number
from ravine.augmentation.matrices import identity
from ravine.augmentation.part import Geometric
from ravine.errors import UsageError


class Scale(Geometric):
    """Enlarges or shrinks an image about its middle by a factor z.

        ln z ~ U(ln low, ln high),   x_in = x / z,   y_in = y / z

    Twice as large is as likely as half as large. Shrinking is not smoothed first, so factors far below 1 alias.

    Args:
        low, high: the smallest and the largest factor, 0.1 to 10.
    """

    draws = 1

    def __init__(self, low: float = 0.8, high: float = 1.25):
        self.low, self.high = number("scale", "low", low, 0.1, 10), number("scale", "high", high, 0.1, 10)
        if low > high:
            raise UsageError(f"low {low} is above high {high}", where="scale", expected="low first")

    def matrix(self, u: torch.Tensor, height: int, width: int) -> torch.Tensor:
        """From draws `[B, 1]` to matrices `[B, 3, 3]`."""
        z = self.low * torch.exp(u[:, 0] * math.log(self.high / self.low))
        matrix = identity(u)
        matrix[:, 0, 0] = matrix[:, 1, 1] = 1 / z
        return matrix
