"""The fourteen operations that RandAugment and TrivialAugment draw from, one an image and slot."""

import math
from dataclasses import dataclass

import torch

from ravine.augmentation.jitter import colour_matrix
from ravine.augmentation.luma import refuse_other_than_colour
from ravine.augmentation.matrices import identity, product
from ravine.augmentation.part import Colour, Geometric, Pixelwise
from ravine.augmentation.tones import autocontrast, equalize, posterize, sharpen, solarize

OPERATIONS = (
    "identity", "shear_x", "shear_y", "translate_x", "translate_y", "rotate", "brightness", "saturation", "contrast",
    "sharpness", "posterize", "solarize", "autocontrast", "equalize",
)  # fmt: skip


@dataclass(frozen=True)
class Reach:
    """How far each operation goes at full strength.

    `shear` and `translate` are shares of a side, `rotate` degrees, `enhance` the change of a factor of 1 (brightness,
    saturation, contrast, sharpness), `bits` those that posterize takes away.
    """

    shear: float
    translate: float
    rotate: float
    enhance: float
    bits: float


class Policy(Geometric, Colour, Pixelwise):
    """Does `n` operations to an image, each drawn from `OPERATIONS` and done at a strength from -1 to 1.

    The geometric ones come first and are one resample, then those on the channels as one matrix, then the others in the
    order drawn (the papers do all in the order drawn). A subclass says how strong.
    """

    needs_mean = True
    name: str
    reach: Reach

    def __init__(self, n: int, draws_each: int):
        self.n, self.draws = n, n * draws_each

    def refuse(self, channels: int, height: int, width: int) -> None:
        """Raises UsageError where channels are neither gray nor red, green and blue."""
        refuse_other_than_colour(self.name, channels)

    def strengths(self, u: torch.Tensor) -> torch.Tensor:
        """From a slot's draws `[B, ...]`, the first of which chose the operation, to strengths `[B]` in -1 .. 1."""
        raise NotImplementedError

    def drawn(self, u: torch.Tensor) -> list[tuple[torch.Tensor, torch.Tensor]]:
        """For each slot the operations `[B]` (indices into `OPERATIONS`) and their strengths `[B]`."""
        slots = u.chunk(self.n, dim=1)
        return [((slot[:, 0] * len(OPERATIONS)).long(), self.strengths(slot)) for slot in slots]

    def matrix(self, u: torch.Tensor, height: int, width: int) -> torch.Tensor:
        """From draws `[B, draws]` to matrices `[B, 3, 3]`; translations are by whole pixels."""
        matrices = []
        for operation, strength in self.drawn(u):
            angle = _of("rotate", operation, strength) * math.radians(self.reach.rotate)
            matrix = identity(u)
            matrix[:, 0, 0] = matrix[:, 1, 1] = angle.cos()
            matrix[:, 0, 1] = _of("shear_x", operation, strength) * self.reach.shear - angle.sin()
            matrix[:, 1, 0] = _of("shear_y", operation, strength) * self.reach.shear + angle.sin()
            matrix[:, 0, 2] = (_of("translate_x", operation, strength) * self.reach.translate * width).round()
            matrix[:, 1, 2] = (_of("translate_y", operation, strength) * self.reach.translate * height).round()
            matrices.append(matrix)
        return product(matrices)

    def colours(self, u: torch.Tensor, mean: torch.Tensor) -> torch.Tensor:
        """From draws `[B, draws]` and means `[B, C]` to matrices `[B, C, C + 1]`."""
        channels = mean.shape[1]
        whole = torch.eye(channels, channels + 1, dtype=mean.dtype, device=mean.device).repeat(len(u), 1, 1)
        for operation, strength in self.drawn(u):
            change = strength * self.reach.enhance
            names = ("brightness", "contrast", "saturation")
            brightness, contrast, saturation = (1 + _of(name, operation, change) for name in names)
            own = colour_matrix(brightness, contrast, saturation, None, mean)
            whole, mean = followed_by(whole, own), applied(own, mean)
        return whole

    def pixels(self, x: torch.Tensor, u: torch.Tensor, high: float) -> torch.Tensor:
        """Images `[B, C, H, W]`, draws `[B, draws]`."""
        for operation, strength in self.drawn(u):
            for name in ("sharpness", "posterize", "solarize", "autocontrast", "equalize"):
                (chosen,) = torch.nonzero(operation == OPERATIONS.index(name), as_tuple=True)
                if len(chosen):
                    x[chosen] = self._tone(name, x[chosen], strength[chosen], high)
        return x

    def _tone(self, name: str, x: torch.Tensor, strength: torch.Tensor, high: float) -> torch.Tensor:
        if name == "sharpness":
            return sharpen(x, 1 + strength * self.reach.enhance)
        if name == "posterize":
            return posterize(x, 8 - (strength.abs() * self.reach.bits).round(), high)
        if name == "solarize":
            return solarize(x, 1 - strength.abs(), high)
        return autocontrast(x, high) if name == "autocontrast" else equalize(x, high)


def followed_by(first: torch.Tensor, then: torch.Tensor) -> torch.Tensor:
    """One colour matrix `[B, C, C + 1]` for two that are applied one after the other."""
    both = torch.bmm(then[:, :, :-1], first)
    both[:, :, -1] += then[:, :, -1]
    return both


def applied(matrix: torch.Tensor, mean: torch.Tensor) -> torch.Tensor:
    """The means `[B, C]` after a colour matrix `[B, C, C + 1]`."""
    return torch.bmm(matrix[:, :, :-1], mean[:, :, None])[:, :, 0] + matrix[:, :, -1]


def _of(name: str, operation: torch.Tensor, strength: torch.Tensor) -> torch.Tensor:
    """The strength where this operation was drawn, else 0."""
    return torch.where(operation == OPERATIONS.index(name), strength, 0.0)
