"""Losses as heights from 0 to 1, on a scale on which both the floor of a valley and its walls have contours."""

from typing import NamedTuple

import torch


class Levels(NamedTuple):
    """`loss = exp(low + height (high - low)) + offset`, height from 0 to 1.

    Attributes:
        heights: float64 `[rows, columns]`, those of a grid of losses.
        low, high, offset: of the scale.
    """

    heights: torch.Tensor
    low: float
    high: float
    offset: float


def levels(grid: torch.Tensor) -> Levels:
    """A logarithmic scale that starts gently: 1/50 of the median above the lowest loss counts as nothing.

    Losses that are not finite get the height of the highest that is.
    """
    finite = grid[grid.isfinite()]
    grid = grid.nan_to_num(*[float(finite.max())] * 2, neginf=float(finite.min())).clamp(max=float(finite.max()))
    lowest = float(grid.min())
    gentle = float((grid - lowest).median()) / 50 or 1.0
    scaled = (grid - lowest + gentle).log()
    low, high = float(scaled.min()), float(scaled.max())
    return Levels((scaled - low) / (high - low or 1.0), low, high, lowest - gentle)
