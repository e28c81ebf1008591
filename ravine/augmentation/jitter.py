"""Colour jitter: the same scene in other light."""

import math

import torch

from ravine.augmentation.checks import number
from ravine.augmentation.luma import luma_weights, refuse_other_than_colour
from ravine.augmentation.matrices import identity, symmetric
from ravine.augmentation.part import Colour


class Jitter(Colour):
    """Brightness, contrast, saturation and hue, each by a factor of its own, in this order.

        brightness  x <- k x                                        k ~ U(1 - brightness, 1 + brightness)
        contrast    x <- k x + (1 - k) luma(mean of the image)      k ~ U(1 - contrast, 1 + contrast)
        saturation  x <- k x + (1 - k) luma(x)                      k ~ U(1 - saturation, 1 + saturation)
        hue         x <- R(a) x                                     a ~ U(-hue, hue) turns about the gray axis

    All four are linear in the colour, so that together they are one 3 x 4 matrix an image. Factors are as in
    torchvision; its order is random, and its hue is a shift in HSV, where here a rotation keeps grays and R + G + B.
    Gray images have no saturation and no hue: both leave them as they are.

    Args:
        strength: of brightness, contrast and saturation where they are not given; hue gets a tenth of it. 0 to 1.
        brightness, contrast, saturation: 0 to 1.
        hue: 0 to 0.5, in turns: 0.1 is 36 degrees.
    """

    draws = 4

    def __init__(
        self,
        strength: float = 0.2,
        brightness: float | None = None,
        contrast: float | None = None,
        saturation: float | None = None,
        hue: float | None = None,
    ):
        strength = number("jitter", "strength", strength, 0, 1)
        given = {"brightness": brightness, "contrast": contrast, "saturation": saturation}
        factors = {n: number("jitter", n, strength if v is None else v, 0, 1) for n, v in given.items()}
        self.brightness, self.contrast, self.saturation = factors.values()
        self.hue = number("jitter", "hue", strength / 10 if hue is None else hue, 0, 0.5)
        self.needs_mean = self.contrast > 0

    def refuse(self, channels: int, height: int, width: int) -> None:
        """Raises UsageError where there are colours that are not red, green and blue."""
        if self.saturation or self.hue:
            refuse_other_than_colour("jitter", channels)

    def colours(self, u: torch.Tensor, mean: torch.Tensor) -> torch.Tensor:
        """From draws `[B, 4]` and means `[B, C]` to matrices `[B, C, C + 1]`."""
        most = (self.brightness, self.contrast, self.saturation)
        brightness, contrast, saturation = (1 + symmetric(u[:, i], strength) for i, strength in enumerate(most))
        angle = symmetric(u[:, 3], 2 * math.pi * self.hue) if self.hue else None
        return colour_matrix(brightness, contrast, saturation, angle, mean)


def colour_matrix(
    brightness: torch.Tensor,
    contrast: torch.Tensor,
    saturation: torch.Tensor,
    angle: torch.Tensor | None,
    mean: torch.Tensor,
) -> torch.Tensor:
    """The matrices `[B, C, C + 1]` of factors `[B]`, hue angles `[B]` (radians; None: no hue) and means `[B, C]`.

    With the luma weights l: M = k_b k_c H (k_s I + (1 - k_s) 1 l'), and the offset (1 - k_c) k_b l'mean is gray, which
    neither saturation nor hue changes.
    """
    channels = mean.shape[1]
    weights = luma_weights(channels, mean)
    matrix = torch.empty(len(mean), channels, channels + 1, dtype=mean.dtype, device=mean.device)
    turned = identity(mean, channels)
    if channels == 3:
        gray = weights.expand(3, 3)
        turned = turned * saturation[:, None, None] + gray * (1 - saturation)[:, None, None]
        if angle is not None:
            turned = torch.bmm(hue_rotation(angle), turned)
    torch.mul(turned, (brightness * contrast)[:, None, None], out=matrix[:, :, :channels])
    matrix[:, :, channels] = ((1 - contrast) * brightness * (mean @ weights))[:, None]
    return matrix


def hue_rotation(angle: torch.Tensor) -> torch.Tensor:
    """Rotations `[B, 3, 3]` about (1, 1, 1) by `angle` `[B]` in radians; a positive one takes red towards green.

    R = cos(a) I + (1 - cos(a)) / 3 J + sin(a) / sqrt(3) K       (Rodrigues; J all ones, K the cross product)
    """
    cos, sin = angle.cos()[:, None, None], angle.sin()[:, None, None]
    cross = torch.tensor([[0.0, -1, 1], [1, 0, -1], [-1, 1, 0]], dtype=angle.dtype, device=angle.device)
    eye = torch.eye(3, dtype=angle.dtype, device=angle.device)
    return cos * eye + (1 - cos) / 3 + sin / math.sqrt(3) * cross
