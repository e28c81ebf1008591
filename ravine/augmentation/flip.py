"""Flips: most things are as likely to face left as right. Not digits, letters or road signs."""

import torch

from ravine.augmentation.checks import probability
from ravine.augmentation.matrices import identity
from ravine.augmentation.part import Geometric


class Flip(Geometric):
    """Mirrors an image left to right with probability `p`.

        out[h, w] = in[h, W - 1 - w],   x_in = -x

    Args:
        p: 0 (never) to 1 (always).
    """

    draws = 1
    copies = True

    def __init__(self, p: float = 0.5):
        self.p = probability("flip", p)

    def matrix(self, u: torch.Tensor, height: int, width: int) -> torch.Tensor:
        """From draws `[B, 1]` to matrices `[B, 3, 3]`."""
        matrix = identity(u)
        matrix[:, 0, 0] = torch.where(u[:, 0] < self.p, -1.0, 1.0)
        return matrix


class FlipVertical(Geometric):
    """Mirrors an image top to bottom with probability `p`: for views from above, cells, textures; rarely for photos.

        out[h, w] = in[H - 1 - h, w],   y_in = -y

    Args:
        p: 0 (never) to 1 (always).
    """

    draws = 1
    copies = True

    def __init__(self, p: float = 0.5):
        self.p = probability("flip_vertical", p)

    def matrix(self, u: torch.Tensor, height: int, width: int) -> torch.Tensor:
        """From draws `[B, 1]` to matrices `[B, 3, 3]`."""
        matrix = identity(u)
        matrix[:, 1, 1] = torch.where(u[:, 0] < self.p, -1.0, 1.0)
        return matrix
