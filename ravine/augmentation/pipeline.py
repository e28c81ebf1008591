"""Several augmentations as one: their maps are composed, and each pixel is copied once."""

from collections.abc import Sequence
from typing import Protocol

import torch
from torch import nn


class Part(Protocol):
    """An augmentation: `draws` numbers from [0, 1) an image, and the map that they give."""

    draws: int

    def maps(self, u: torch.Tensor, height: int, width: int) -> tuple[torch.Tensor, torch.Tensor]:
        """From draws `[B, draws]` to the rows `[B, H]` and columns `[B, W]` that each output pixel comes from."""
        ...


class Pipeline(nn.Module):
    """Applies parts in their order; a module for any training loop, which does nothing in eval mode.

        >>> augment = Pipeline([Flip(), Translate(4)])
        >>> augment(torch.zeros(8, 3, 32, 32, dtype=torch.uint8)).shape
        torch.Size([8, 3, 32, 32])

    Attributes:
        draws: how many numbers an image needs.
    """

    def __init__(self, parts: Sequence[Part]):
        super().__init__()
        self.parts = tuple(parts)
        self.draws = sum(part.draws for part in self.parts)

    def forward(self, x: torch.Tensor, u: torch.Tensor | None = None) -> torch.Tensor:
        """Images `[B, C, H, W]` of any type to the same shape and type.

        Args:
            x: the batch.
            u: numbers from [0, 1), `[B, draws]`; equal numbers give equal images. Drawn from torch's global generator
                where None.
        """
        if not self.training or not self.parts:
            return x
        batch, _, height, width = x.shape
        u = torch.rand(batch, self.draws, device=x.device) if u is None else u
        (rows, columns), *later = (
            part.maps(own, height, width)
            for part, own in zip(self.parts, u.split([part.draws for part in self.parts], dim=1), strict=True)
        )
        # out2[h] = out1[rows2[h]] and out1[h] = in[rows1[h]], so out2[h] = in[rows1[rows2[h]]]
        for next_rows, next_columns in later:
            rows, columns = rows.gather(1, next_rows), columns.gather(1, next_columns)
        image = torch.arange(batch, device=x.device)[:, None, None]
        # indices around a slice put the channels last, which is also the layout that convolutions like
        return x[image, :, rows[:, :, None], columns[:, None, :]].permute(0, 3, 1, 2)
