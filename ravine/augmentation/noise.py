"""Noise: the grain of a picture taken in little light."""

import math

import torch

from ravine.augmentation.checks import number, probability
from ravine.augmentation.part import Pixelwise


class Noise(Pixelwise):
    """Adds a normal number to each channel of each pixel, with probability `p`.

        out = in + high * std * N(0, 1)

    The numbers of a draw are a hash of it and of the pixel's place, so that a draw gives the same grain on any device.

    Args:
        std: share of the whole range from black to white, 0 to 1.
        p: 0 (never) to 1 (always).
    """

    draws = 3

    def __init__(self, std: float = 0.05, p: float = 0.5):
        self.std, self.p = number("noise", "std", std, 0, 1), probability("noise", p)

    def pixels(self, x: torch.Tensor, u: torch.Tensor, high: float) -> torch.Tensor:
        """Images `[B, C, H, W]`, draws `[B, 3]`."""
        (chosen,) = torch.nonzero(u[:, 0] < self.p, as_tuple=True)
        if len(chosen) and self.std:
            values = x[0].numel()
            grain = normal(u[chosen, 1:], values).view(len(chosen), *x.shape[1:])
            x[chosen] += (high * self.std * grain).to(x.dtype)
        return x


def normal(u: torch.Tensor, n: int) -> torch.Tensor:
    """`n` normal numbers for each row of draws `[B, 2]`, `[B, n]` float32, within +-5.3.

    A uniform number from 24 bits of a hash, through the normal distribution's inverse: sqrt(2) erfinv(2 u - 1).
    """
    seed = (u * 2**24).long()
    bits = _hashed(seed[:, :1] * 0x9E3779B1 + seed[:, 1:] * 0x85EBCA77 + torch.arange(n, device=u.device))
    return torch.erfinv((bits >> 8).float() / 2**23 + (2.0**-24 - 1)) * math.sqrt(2)


def _hashed(value: torch.Tensor) -> torch.Tensor:
    """32 bits that look random, from the low 32 bits of int64 (the finaliser of MurmurHash3, twice)."""
    for _ in range(2):
        value = value & 0xFFFFFFFF
        value = ((value ^ (value >> 16)) * 0x85EBCA6B) & 0xFFFFFFFF
        value = ((value ^ (value >> 13)) * 0xC2B2AE35) & 0xFFFFFFFF
        value = (value ^ (value >> 16)) + 0x9E3779B9
    return value & 0xFFFFFFFF
