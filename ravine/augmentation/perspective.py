"""Perspective: the picture plane is tilted away from the camera."""

import torch

from ravine.augmentation.checks import number, probability
from ravine.augmentation.matrices import identity, symmetric
from ravine.augmentation.part import Geometric


class Perspective(Geometric):
    """Tilts an image about its upright and its level axis with probability `p`.

        x_in = x / w,   y_in = y / w,   w = 1 + a x / W + b y / H,   a, b ~ U(-distortion, distortion)

    One side comes nearer and is shown larger, and the other side recedes. (Moving the four corners at random, as
    torchvision does, is this with a rotation, a shear and a scale on top.)

    Args:
        distortion: 0 to 0.9.
        p: 0 (never) to 1 (always).
    """

    draws = 3
    affine = False

    def __init__(self, distortion: float = 0.5, p: float = 0.5):
        self.distortion = number("perspective", "distortion", distortion, 0, 0.9)
        self.p = probability("perspective", p)

    def matrix(self, u: torch.Tensor, height: int, width: int) -> torch.Tensor:
        """From draws `[B, 3]` to matrices `[B, 3, 3]`."""
        tilt = symmetric(u[:, 1:], self.distortion) * (u[:, :1] < self.p)
        matrix = identity(u)
        matrix[:, 2, 0], matrix[:, 2, 1] = tilt[:, 0] / width, tilt[:, 1] / height
        return matrix
