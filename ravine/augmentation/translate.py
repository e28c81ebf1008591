"""Translation by whole pixels: what an image shows does not depend on where it is."""

import torch

from ravine.augmentation.maps import identity
from ravine.errors import UsageError


class Translate:
    """Shifts an image by up to `pixels` up, down, left and right, each shift equally likely; edges are reflected.

        out[h, w] = in[reflect(h + dy), reflect(w + dx)],   dy, dx in -pixels .. pixels

    The pixels are copied, not interpolated.

    Args:
        pixels: 0 or more, below the image's height and width.
    """

    draws = 2

    def __init__(self, pixels: int = 4):
        if isinstance(pixels, bool) or not isinstance(pixels, int) or pixels < 0:
            raise UsageError(f"pixels cannot be {pixels!r}", where="translate", expected="a whole number, 0 or more")
        self.pixels = pixels

    def maps(self, u: torch.Tensor, height: int, width: int) -> tuple[torch.Tensor, torch.Tensor]:
        """From draws `[B, 2]` to the rows `[B, H]` and columns `[B, W]` that each output pixel comes from."""
        if self.pixels >= min(height, width):
            found = f"{self.pixels} pixels on images of {height} x {width}"
            raise UsageError(found, where="translate", expected=f"below {min(height, width)}")
        rows, columns = identity(u, height, width)
        shift = (u * (2 * self.pixels + 1)).long().clamp(max=2 * self.pixels) - self.pixels
        return _reflect(rows + shift[:, :1], height), _reflect(columns + shift[:, 1:], width)


def _reflect(index: torch.Tensor, size: int) -> torch.Tensor:
    """... 2 1 | 0 1 2 ... size-1 | size-2 ..., for indices at most one size outside."""
    return (size - 1) - ((size - 1) - index.abs()).abs()
