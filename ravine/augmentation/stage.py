"""Parts that are done together: one resample, one colour matrix, then what works on the pixels themselves."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import prod

import torch

from ravine.augmentation.finish import Finish
from ravine.augmentation.matrices import product
from ravine.augmentation.part import Colour, Geometric, Part, Pixelwise
from ravine.augmentation.policy import applied, followed_by
from ravine.augmentation.resample import copied, is_exact, resampled

# Images are gone through in groups of so many values: floats of a large batch would not stay in a CPU's caches, and
# groups a quarter as large take a quarter longer for small images and a third longer for large ones
_VALUES = 1 << 20


@dataclass(frozen=True)
class Stage:
    """Geometric and colour parts, in their orders, then pixelwise ones; each with its columns of the numbers.

    Geometry moves pixels and colour changes each by itself, so that neither minds which is done first: a stage ends
    only where a pixelwise part is followed by something else. An image's mean is taken after it was moved; colours are
    cut to black and white once, after all.
    """

    geometric: tuple[tuple[Geometric, slice], ...]
    colour: tuple[tuple[Colour, slice], ...]
    pixelwise: tuple[tuple[Pixelwise, slice], ...]

    def __call__(self, x: torch.Tensor, u: torch.Tensor, edge: str, finish: Finish, last: bool) -> torch.Tensor:
        """Images `[B, C, H, W]` with their numbers `[B, draws]`; floats from 0 to high where the stage is not the last.

        Args:
            edge: what is seen beyond the edge.
            finish: what the pipeline gives.
            last: whether to give it now.
        """
        height, width = x.shape[2:]
        u = u.to(torch.float32)
        matrix = product([part.matrix(u[:, own], height, width) for part, own in self.geometric] or [_eye(u)])
        exact = torch.ones(len(x), dtype=torch.bool) if self._copies else is_exact(matrix)
        if last and not (self.colour or self.pixelwise or finish.normalises) and exact.all():
            return copied(x, matrix, edge) if self.geometric else x
        affine = all(part.affine for part, _ in self.geometric)
        fold = last and finish.normalises and bool(self.colour) and not self.pixelwise
        out = finish.empty(x) if last else torch.empty(x.shape, dtype=_float(x), device=x.device)
        for own in _groups(x):
            if self.geometric:
                y = resampled(x[own], matrix[own], exact[own], edge, affine)
            else:
                y = x[own].to(_float(x), copy=True)  # what follows writes into it, and x is the caller's
            if self.colour:
                y = self._coloured(y, u[own], finish, fold)
            for part, columns in self.pixelwise:
                y = part.pixels(y, u[own][:, columns], finish.high)
            if self.pixelwise and finish.cuts:
                y = y.clamp_(0, finish.high)
            if last and not fold:
                y = finish.in_place(y)
            out[own].copy_(y)
        return out

    @property
    def _copies(self) -> bool:
        return all(part.copies for part, _ in self.geometric)

    def _coloured(self, y: torch.Tensor, u: torch.Tensor, finish: Finish, fold: bool) -> torch.Tensor:
        """Floats under their colour matrices, cut to black and white; with `fold` the same product normalises."""
        needed = any(part.needs_mean for part, _ in self.colour)
        mean = y.mean((2, 3)).float() if needed else u.new_zeros(y.shape[:2])
        (first, columns), *later = self.colour
        whole = first.colours(u[:, columns], mean)
        for part, columns in later:
            whole = followed_by(whole, part.colours(u[:, columns], applied(whole, mean)))
        whole = whole.to(y.dtype)
        if fold:
            middle, scale = finish.constants(y)
            whole[:, :, -1:] -= middle[:, :, 0]
            whole *= scale[:, :, 0]
        y = torch.baddbmm(whole[:, :, -1:], whole[:, :, :-1], y.flatten(2)).view(y.shape)
        if finish.cuts and not fold:
            return y.clamp_(0, finish.high)
        if finish.cuts:
            for channel, (low, high) in enumerate(finish.limits()):
                y[:, channel].clamp_(low, high)
        return y


def stages(parts: Sequence[Part], columns: Sequence[slice]) -> list[Stage]:
    """Parts with their columns, grouped so that each stage is as long as it can be."""
    groups: list[list[tuple[Part, slice]]] = [[]]
    for part, own in zip(parts, columns, strict=True):
        after = any(isinstance(one, Pixelwise) for one, _ in groups[-1])
        if after and isinstance(part, Geometric | Colour):
            groups.append([])
        groups[-1].append((part, own))
    return [
        Stage(
            tuple((p, own) for p, own in group if isinstance(p, Geometric)),
            tuple((p, own) for p, own in group if isinstance(p, Colour)),
            tuple((p, own) for p, own in group if isinstance(p, Pixelwise)),
        )
        for group in groups
    ]


def _groups(x: torch.Tensor) -> Iterator[slice]:
    size = max(len(x), 1) if x.device.type != "cpu" else max(1, _VALUES // max(prod(x.shape[1:]), 1))
    for start in range(0, len(x), size):
        yield slice(start, start + size)


def _float(x: torch.Tensor) -> torch.dtype:
    return x.dtype if x.dtype in (torch.float32, torch.float64) else torch.float32


def _eye(u: torch.Tensor) -> torch.Tensor:
    return torch.eye(3, device=u.device).expand(len(u), 3, 3)
