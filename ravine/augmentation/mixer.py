"""Two images and their labels into one: what the mixing parts of a pipeline come to."""

from collections.abc import Sequence

import torch
from torch.nn import functional as F

from ravine.augmentation.part import Mixing


class Mixer:
    """Mixes each image with a partner. It is the pipeline's last step, wherever its parts stand among the others.

        out = s x + (1 - s) x',   label = mean(s) y + (1 - mean(s)) y'        s: the own share of each pixel, 0 to 1

    Of several mixing parts each image draws one. The partner is any image of the pool with equal chance: of the whole
    training set where ravine trains, so that what an image becomes depends on (seed, member, epoch, image) and on
    nothing else; of the same batch where a `Pipeline` is called in a loop of your own. It is the partner as its own
    numbers augment it.

    Attributes:
        draws: numbers an image: the partner, the part, then those of each part.
    """

    def __init__(self, parts: Sequence[Mixing], classes: int):
        self.parts, self.classes = tuple(parts), classes
        self.draws = 2 + sum(part.draws for part in self.parts)

    def partners(self, u: torch.Tensor, pool: int) -> torch.Tensor:
        """From numbers `[B, draws]` to places in a pool of so many images, int64 `[B]`."""
        return (u[:, 0].double() * pool).long()

    def __call__(
        self, x: torch.Tensor, other: torch.Tensor, y: torch.Tensor, other_y: torch.Tensor, u: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Images `[B, C, H, W]` and labels `[B]`, their partners, and numbers `[B, draws]`.

        Returns:
            Images of the same shape and type, and labels `[B, classes]` float32 that sum to 1.
        """
        share = self._shares(u, *x.shape[2:])
        weight = share.mean((1, 2, 3))[:, None]
        one, two = (F.one_hot(labels, self.classes).float() for labels in (y, other_y))
        if x.is_floating_point():
            mixed = torch.lerp(other, x, share.to(x.dtype))
        else:
            mixed = torch.lerp(other.float(), x.float(), share).round_().to(x.dtype)
        return mixed, weight * one + (1 - weight) * two

    def _shares(self, u: torch.Tensor, height: int, width: int) -> torch.Tensor:
        chosen = (u[:, 1] * len(self.parts)).long()[:, None, None, None]
        own = u[:, 2:].split([part.draws for part in self.parts], dim=1)
        shares = [part.share(numbers, height, width) for part, numbers in zip(self.parts, own, strict=True)]
        share = shares[0]
        for i, another in enumerate(shares[1:], 1):
            share = torch.where(chosen == i, another, share)
        return share
