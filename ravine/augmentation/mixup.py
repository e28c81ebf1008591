"""Mixup: between two images lies an image, and between their labels its label."""

import torch

from ravine.augmentation.checks import number, probability
from ravine.augmentation.part import Mixing


class Mixup(Mixing):
    """The weighted mean of an image and its partner, and of their labels, with probability `p`.

        out = k x + (1 - k) x',   label = k y + (1 - k) y',   k ~ Beta(alpha, alpha)

    Args:
        alpha: above 0, at most 100; 1 draws every share equally often, less draws mostly shares near 0 and 1.
        p: 0 (never) to 1 (always).

    Source: Zhang et al., "mixup: Beyond Empirical Risk Minimization", 2018. The paper draws one k for a
    batch; here each image has its own.
    """

    draws = 2

    def __init__(self, alpha: float = 0.2, p: float = 1.0):
        self.alpha, self.p = number("mixup", "alpha", alpha, 0.01, 100), probability("mixup", p)
        self._quantiles = beta_quantiles(self.alpha)

    def share(self, u: torch.Tensor, height: int, width: int) -> torch.Tensor:
        """From draws `[B, 2]` to the image's own share, `[B, 1, 1, 1]`."""
        own = torch.where(u[:, 0] < self.p, quantile(self._quantiles, u[:, 1]), 1.0)
        return own[:, None, None, None]


def beta_quantiles(alpha: float, knots: int = 4096) -> torch.Tensor:
    """The inverse of Beta(alpha, alpha)'s distribution function at 0, 1/knots .. 1, `[knots + 1]` float32."""
    from scipy.special import betaincinv  # takes 0.2 s to import, and only mixing needs it

    at = torch.linspace(0, 1, knots + 1, dtype=torch.float64)
    return torch.from_numpy(betaincinv(alpha, alpha, at.numpy())).float()


def quantile(table: torch.Tensor, u: torch.Tensor) -> torch.Tensor:
    """The table's values at `u` in [0, 1), linear between its knots."""
    table, place = table.to(u.device), u * (len(table) - 1)
    below = place.long().clamp(max=len(table) - 2)
    return torch.lerp(table[below], table[below + 1], place - below)
