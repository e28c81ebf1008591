"""Horizontal flip: most things are as likely to face left as right. Not digits, letters or road signs."""

import torch

from ravine.augmentation.maps import check_probability, identity


class Flip:
    """Mirrors an image left to right with probability `p`.

        out[h, w] = in[h, W - 1 - w]

    Args:
        p: 0 (never) to 1 (always).
    """

    draws = 1

    def __init__(self, p: float = 0.5):
        self.p = check_probability("flip", p)

    def maps(self, u: torch.Tensor, height: int, width: int) -> tuple[torch.Tensor, torch.Tensor]:
        """From draws `[B, 1]` to the rows `[B, H]` and columns `[B, W]` that each output pixel comes from."""
        rows, columns = identity(u, height, width)
        return rows, torch.where(u < self.p, columns.flip(1), columns)
