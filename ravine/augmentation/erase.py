"""Erasing: what is hidden cannot be relied on, so that the rest must be learned too."""

import math

import torch

from ravine.augmentation.checks import interval, probability
from ravine.augmentation.checks import pixels as check_pixels
from ravine.augmentation.part import Pixelwise


class Erase(Pixelwise):
    """Fills a rectangle of random area, shape and place with the image's mean colour, with probability `p`.

        area = s H W,  s ~ U(area);  w / h = r W / H,  ln r ~ U(ln ratio);  somewhere inside the image

    The paper fills with noise and finds the mean almost as good; the mean leaves the image's colours in balance.

    Args:
        area: share of the image, as (least, most) in 0 .. 1.
        ratio: how much wider than the image's own shape, as (least, most) in 0.1 .. 10.
        p: 0 (never) to 1 (always).

    Source: Zhong et al., "Random Erasing Data Augmentation", 2017.
    """

    draws = 5

    def __init__(
        self, area: tuple[float, float] = (0.02, 0.2), ratio: tuple[float, float] = (0.3, 3.3), p: float = 0.5
    ):
        self.area, self.p = interval("erase", "area", area, 0, 1), probability("erase", p)
        self.ratio = interval("erase", "ratio", ratio, 0.1, 10)

    def pixels(self, x: torch.Tensor, u: torch.Tensor, high: float) -> torch.Tensor:
        """Images `[B, C, H, W]`, draws `[B, 5]`."""
        height, width = x.shape[2:]
        area = self.area[0] + (self.area[1] - self.area[0]) * u[:, 1]
        shape = self.ratio[0] * torch.exp(u[:, 2] * math.log(self.ratio[1] / self.ratio[0]))
        tall = ((area / shape).sqrt() * height).round().clamp(max=height)
        wide = ((area * shape).sqrt() * width).round().clamp(max=width)
        top = (u[:, 3] * (height - tall + 1)).floor()
        left = (u[:, 4] * (width - wide + 1)).floor()
        return filled(x, u[:, 0] < self.p, (top, top + tall), (left, left + wide))


class Cutout(Pixelwise):
    """Fills a square of fixed size with the image's mean colour, with probability `p`.

        its middle is any pixel with equal chance, so that part of it may lie outside

    The paper fills with 0 after the data set's mean was taken off; here it is the mean of each image.

    Args:
        pixels: its side; below 1 it is a share of the image's shorter side.
        p: 0 (never) to 1 (always).

    Source: DeVries & Taylor, "Improved Regularization of Convolutional Neural Networks with Cutout", 2017.
    """

    draws = 3

    def __init__(self, pixels: int | float = 0.5, p: float = 1.0):
        self.side, self.p = check_pixels("cutout", "pixels", pixels), probability("cutout", p)

    def pixels(self, x: torch.Tensor, u: torch.Tensor, high: float) -> torch.Tensor:
        """Images `[B, C, H, W]`, draws `[B, 3]`."""
        height, width = x.shape[2:]
        side = self.side if isinstance(self.side, int) else round(self.side * min(height, width))
        top = (u[:, 1] * height).floor() - side // 2
        left = (u[:, 2] * width).floor() - side // 2
        return filled(x, u[:, 0] < self.p, (top, top + side), (left, left + side))


def filled(
    x: torch.Tensor,
    chosen: torch.Tensor,
    rows: tuple[torch.Tensor, torch.Tensor],
    columns: tuple[torch.Tensor, torch.Tensor],
) -> torch.Tensor:
    """Images `[B, C, H, W]` with a rectangle in their mean colour where `chosen` `[B]`; first and end `[B]` of each."""
    inside = box(rows, columns, *x.shape[2:]) & chosen[:, None, None, None]
    return torch.where(inside, x.mean((2, 3), keepdim=True), x)


def box(
    rows: tuple[torch.Tensor, torch.Tensor], columns: tuple[torch.Tensor, torch.Tensor], height: int, width: int
) -> torch.Tensor:
    """Whether a pixel lies in its image's rectangle, `[B, 1, H, W]`; first and end `[B]` of its rows and columns."""
    h = torch.arange(height, device=rows[0].device)
    w = torch.arange(width, device=rows[0].device)
    in_rows = (h >= rows[0][:, None]) & (h < rows[1][:, None])
    in_columns = (w >= columns[0][:, None]) & (w < columns[1][:, None])
    return (in_rows[:, :, None] & in_columns[:, None, :])[:, None]
