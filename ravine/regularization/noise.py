"""What dropout and its kin share: in training a tensor is multiplied by random numbers of mean 1."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ravine.regularization.checks import check_share


class Noise(nn.Module):
    """Base of the modules that multiply by noise in training and return their very input otherwise.

        y = x * noise(x),    E[noise] = 1,  so that E[y] = x and evaluation needs no correction ("inverted")

    A module defines `noise(x)`: random numbers that broadcast against x. They are drawn from torch's global generator
    (which ravine's trainer seeds per step and member), or from `generator`. Works under `torch.func.vmap` with
    `randomness="different"`.

    Args:
        p: how much is dropped, from 0 (nothing: the identity, bit for bit) to below 1.
        generator: a `torch.Generator` on the device of the input; torch's global one where None.

    Raises:
        UsageError: p out of range.
    """

    def __init__(self, p: float = 0.5, *, generator: torch.Generator | None = None):
        super().__init__()
        self.p = check_share(type(self).__name__, p)
        self.generator = generator

    def noise(self, x: Tensor) -> Tensor:
        """Random numbers of mean 1 that broadcast against `x`."""
        raise NotImplementedError

    def forward(self, x: Tensor) -> Tensor:
        return x * self.noise(x) if self.training and self.p > 0 else x

    def extra_repr(self) -> str:
        return f"p={self.p}"

    def kept(self, like: Tensor) -> Tensor:
        """Each number of `like` (whose values do not matter) becomes 0 with probability p, else 1 / (1 - p)."""
        if self.generator is None:
            # the same numbers; torch.compile (2.13) uses a bernoulli_ of a large graph before it is drawn
            return F.dropout(torch.ones_like(like), self.p)
        return like.bernoulli_(1 - self.p, generator=self.generator).div_(1 - self.p)
