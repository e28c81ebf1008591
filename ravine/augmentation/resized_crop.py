"""Random resized crop: a piece of the picture, brought to full size."""

import math

import torch

from ravine.augmentation.checks import interval
from ravine.augmentation.matrices import identity, symmetric
from ravine.augmentation.part import Geometric


class ResizedCrop(Geometric):
    """Cuts out a piece of random area, shape and place, and enlarges it to the whole image.

        area = s H W,  s ~ U(scale);  w / h = r W / H,  ln r ~ U(ln ratio);  its middle anywhere that keeps it inside
        x_in = (w / W) x + cx,   y_in = (h / H) y + cy

    A piece that would be longer than the image is cut to it (torchvision draws again, up to ten times). Enlarging is
    bilinear.

    Args:
        scale: share of the image's area, as (least, most) in 0.01 .. 1; the papers on ImageNet take (0.08, 1).
        ratio: how much wider than the image's own shape, as (least, most) in 0.1 .. 10.

    Source: Szegedy et al., "Going Deeper with Convolutions", 2015, section 6.
    """

    draws = 4

    def __init__(self, scale: tuple[float, float] = (0.35, 1.0), ratio: tuple[float, float] = (3 / 4, 4 / 3)):
        self.scale = interval("resized_crop", "scale", scale, 0.01, 1)
        self.ratio = interval("resized_crop", "ratio", ratio, 0.1, 10)

    def matrix(self, u: torch.Tensor, height: int, width: int) -> torch.Tensor:
        """From draws `[B, 4]` to matrices `[B, 3, 3]`."""
        low, high = self.scale
        area = low + (high - low) * u[:, 0]
        shape = self.ratio[0] * torch.exp(u[:, 1] * math.log(self.ratio[1] / self.ratio[0]))
        matrix = identity(u)
        for axis, share, side in ((0, (area * shape).sqrt(), width), (1, (area / shape).sqrt(), height)):
            share = share.clamp(max=1)
            matrix[:, axis, axis] = share
            matrix[:, axis, 2] = symmetric(u[:, 2 + axis], side / 2) * (1 - share)
        return matrix
