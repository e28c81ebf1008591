"""Blur: out of focus, or from afar."""

import math

import torch
from torch.nn import functional as F

from ravine.augmentation.checks import number, probability
from ravine.augmentation.part import Pixelwise
from ravine.errors import UsageError


class Blur(Pixelwise):
    """Averages over the neighbourhood with probability `p`, with Gaussian weights of a width of each image's own.

        out[h, w] = sum over i, j of  k[i] k[j] in[h + i, w + j],   k[i] ~ exp(-i^2 / (2 s^2)),   s ~ U(0.1, sigma)

    Edges are reflected. Weights are taken up to three times the largest width.

    Args:
        sigma: the largest width in pixels, 0.1 to 20.
        p: 0 (never) to 1 (always).
    """

    draws = 2

    def __init__(self, sigma: float = 1.0, p: float = 0.5):
        self.sigma, self.p = number("blur", "sigma", sigma, 0.1, 20), probability("blur", p)
        self.radius = math.ceil(3 * self.sigma)

    def refuse(self, channels: int, height: int, width: int) -> None:
        """Raises UsageError where the neighbourhood reaches beyond the reflection."""
        if self.radius >= min(height, width):
            found = f"sigma {self.sigma:g} on images of {height} x {width}"
            raise UsageError(found, where="blur", expected=f"at most {(min(height, width) - 1) / 3:.3g}")

    def pixels(self, x: torch.Tensor, u: torch.Tensor, high: float) -> torch.Tensor:
        """Images `[B, C, H, W]`, draws `[B, 2]`."""
        (chosen,) = torch.nonzero(u[:, 0] < self.p, as_tuple=True)
        if len(chosen):
            sigma = 0.1 + (self.sigma - 0.1) * u[chosen, 1]
            x[chosen] = gaussian_blur(x[chosen], sigma, self.radius)
        return x


def gaussian_blur(x: torch.Tensor, sigma: torch.Tensor, radius: int) -> torch.Tensor:
    """Images `[B, C, H, W]` with a width of each image's own, sigma `[B]` in pixels; one axis after the other."""
    at = torch.arange(-radius, radius + 1, dtype=x.dtype, device=x.device)
    weights = torch.exp(-at.square() / (2 * sigma.to(x.dtype)[:, None].square()))
    weights = (weights / weights.sum(1, keepdim=True))[:, :, None, None, None]
    padded = F.pad(x, [radius] * 4, mode="reflect")
    for axis in (2, 3):
        # a sum of shifted images, whose last bits, unlike a convolution's, do not depend on the size of the batch
        size = padded.shape[axis] - 2 * radius
        out = weights[:, 0] * padded.narrow(axis, 0, size)
        for i in range(1, 2 * radius + 1):
            out.addcmul_(weights[:, i].expand_as(out), padded.narrow(axis, i, size))
        padded = out
    return padded
