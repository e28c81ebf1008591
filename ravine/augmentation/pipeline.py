"""Several augmentations as one module, for any training loop."""

from collections.abc import Sequence
from itertools import accumulate

import torch
from torch import nn

from ravine import draws
from ravine.augmentation.edge import Edge
from ravine.augmentation.finish import Finish
from ravine.augmentation.mixer import Mixer
from ravine.augmentation.part import Mixing, Part
from ravine.augmentation.stage import stages
from ravine.errors import UsageError


class Pipeline(nn.Module):
    """Applies parts in their order; in eval mode it leaves images as they are.

        >>> augment = Pipeline([Flip(), Translate(4)])
        >>> augment(torch.zeros(8, 3, 32, 32, dtype=torch.uint8)).shape
        torch.Size([8, 3, 32, 32])

    All geometric parts up to the first pixelwise one (blur, noise, erasing) are one resample, and all colour parts one
    matrix; images that are only flipped and shifted by whole pixels are copied bit for bit. Beyond an edge its mirror
    image is seen, or what an `Edge` among the parts says. Integers are taken to lie in 0..255 and are cut to it; floats
    are taken to lie in 0..1 where that matters (noise, tone curves) and are never cut.

    Args:
        parts: augmentations; mixing ones act last, see `Mixer`.
        mean, std: per channel, of the values as they come in. Where given, what comes out is (x - mean) / std in
            float32, also in eval mode; else it has the type that came in.
        classes: how many there are; needed where labels are mixed.

    Attributes:
        draws: how many numbers an image needs.
        mixer: what mixes images and labels in the end, or None.
    """

    def __init__(
        self,
        parts: Sequence[Part],
        *,
        mean: Sequence[float] | None = None,
        std: Sequence[float] | None = None,
        classes: int | None = None,
    ):
        super().__init__()
        if (mean is None) != (std is None):
            raise UsageError("only one of mean and std", where="Pipeline", expected="both or neither")
        self.parts, self.mean, self.std = tuple(parts), mean, std
        self.edge = next((part.mode for part in reversed(self.parts) if isinstance(part, Edge)), "reflect")
        single = [part for part in self.parts if not isinstance(part, Mixing | Edge)]
        mixing = [part for part in self.parts if isinstance(part, Mixing)]
        if mixing and classes is None:
            raise UsageError("classes is not given", where="Pipeline", expected="their number, since labels are mixed")
        ends = list(accumulate((part.draws for part in single), initial=0))
        columns = [slice(start, stop) for start, stop in zip(ends, ends[1:], strict=False)]
        self.stages = stages(single, columns)
        self.mixer = Mixer(mixing, classes) if mixing and classes is not None else None
        self.own_draws = ends[-1]
        self.draws = self.own_draws + (self.mixer.draws if self.mixer else 0)
        self._alternating = [own for part, own in zip(single, columns, strict=True) if part.alternates]

    def forward(
        self, x: torch.Tensor, y: torch.Tensor | None = None, *, u: torch.Tensor | None = None
    ) -> torch.Tensor | tuple[torch.Tensor, torch.Tensor]:
        """Images `[B, C, H, W]` or `[K, B, C, H, W]` to the same shape; with labels, to images and labels.

        Args:
            x: the batch; never written to.
            y: labels, int64 `[B]` or `[K, B]`; given, they come back, as `[..., classes]` where they are mixed.
                Partners are of the same batch (and the same member).
            u: numbers from [0, 1), `[B, draws]` or `[K, B, draws]`; equal numbers give equal images. Drawn from torch's
                global generator where None.

        Raises:
            UsageError: labels are to be mixed and not given; a part that cannot be done to this shape; no numbers for
                a part that needs the epoch.
        """
        if not self.training:
            x = self.images(x)
            return x if y is None else (x, y)
        if self.mixer and y is None:
            cure = "Call augment(x, y)"
            raise UsageError("labels are mixed and none are given", where="Pipeline", cure=cure)
        if u is None:
            if self._alternating:
                cure = "Pass u=augment.numbers(n, seed, epoch=epoch)[rows]"
                raise UsageError("flip_alternating needs to know the epoch", where="Pipeline", cure=cure)
            u = torch.rand(*x.shape[:-3], self.draws, device=x.device)
        x = self.images(x, u)
        if self.mixer is None or y is None:
            return x if y is None else (x, y)
        return self._mixed(self.mixer, x, y, u)

    @torch.no_grad()
    def images(self, x: torch.Tensor, u: torch.Tensor | None = None) -> torch.Tensor:
        """All but the mixing: images `[..., C, H, W]` by their numbers `[..., draws]`; without numbers, as in eval."""
        flat = x.flatten(0, -4)
        finish = Finish(self.mean, self.std, x.dtype)
        if u is None or not self.parts:
            return finish.empty(flat).copy_(finish.in_place(flat.float())).view_as(x) if finish.normalises else x
        self.refuse(*x.shape[-3:])
        u = u.flatten(0, -2)
        with torch.autocast(x.device.type, enabled=False):  # places of pixels need all their digits
            for i, stage in enumerate(self.stages):
                flat = stage(flat, u, self.edge, finish, last=i == len(self.stages) - 1)
        return flat.unflatten(0, x.shape[:-3])

    def numbers(
        self,
        n: int,
        seed: int,
        member: int = 0,
        epoch: int = 0,
        purpose: str = "augment",
        places: tuple[torch.Tensor, torch.Tensor] | None = None,
    ) -> torch.Tensor:
        """The numbers of images 0 .. n-1 in an epoch, `[n, draws]` on the CPU: a function of the arguments alone.

        Where an image may come several times or not at all, `places` says which one lies at each of n places and how
        often it was shown before, int64 `[n]` each: the numbers are those of the places then.
        """
        table = torch.rand(n, self.draws, generator=draws.generator(seed, member, purpose, epoch))
        if self._alternating:
            first = torch.rand(n, self.draws, generator=draws.generator(seed, member, f"{purpose}/first"))
            rows, turn = (slice(None), epoch) if places is None else (places[0], places[1][:, None])
            for own in self._alternating:
                table[:, own] = (first[rows][:, own] + turn % 2 / 2) % 1
        return table

    def refuse(self, channels: int, height: int, width: int) -> None:
        """Raises UsageError where a part cannot be done to images of this shape."""
        for part in self.parts:
            part.refuse(channels, height, width)

    def _mixed(
        self, mixer: Mixer, x: torch.Tensor, y: torch.Tensor, u: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Images and labels, each mixed with another one of the same member's batch."""
        batch = y.shape[-1]
        flat, labels = x.flatten(0, -4), y.flatten()
        numbers = u.flatten(0, -2)[:, self.own_draws :]
        first = torch.arange(len(labels), device=x.device) // batch * batch
        partners = first + mixer.partners(numbers, batch)
        mixed, soft = mixer(flat, flat[partners], labels, labels[partners], numbers)
        return mixed.view_as(x), soft.unflatten(0, y.shape)
