"""Translation by whole pixels: what an image shows does not depend on where it is."""

import torch

from ravine.augmentation.checks import pixels as check_pixels
from ravine.augmentation.matrices import identity
from ravine.augmentation.part import Geometric
from ravine.errors import UsageError


class Translate(Geometric):
    """Shifts an image up or down and left or right by at most `pixels`, each shift equally likely.

        out[h, w] = in[reflect(h + dy), reflect(w + dx)],   dy, dx in -pixels .. pixels

    Pixels are copied, not interpolated; edges are reflected, unless an `Edge` says otherwise.

    Args:
        pixels: 0 or more, below the image's height and width; below 1 it is a share of the height and of the width,
            rounded to pixels: `translate(0.125)` is `translate(4)` on 32 x 32.
    """

    draws = 2
    copies = True
    name = "translate"

    def __init__(self, pixels: int | float = 4):
        self.pixels = check_pixels(self.name, "pixels", pixels)

    def refuse(self, channels: int, height: int, width: int) -> None:
        """Raises UsageError where a shift could reach beyond the reflection."""
        if self.pixels >= min(height, width):
            found = f"{self.pixels} pixels on images of {height} x {width}"
            raise UsageError(found, where=self.name, expected=f"below {min(height, width)}")

    def matrix(self, u: torch.Tensor, height: int, width: int) -> torch.Tensor:
        """From draws `[B, 2]` to matrices `[B, 3, 3]`."""
        matrix = identity(u)
        for axis, number, side in ((1, u[:, 0], height), (0, u[:, 1], width)):
            most = self.pixels if isinstance(self.pixels, int) else round(self.pixels * side)
            matrix[:, axis, 2] = (number * (2 * most + 1)).floor().clamp(max=2 * most) - most
        return matrix
