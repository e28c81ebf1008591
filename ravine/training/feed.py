"""From uint8 at rest to float batches on the device: gather, convert, normalise."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import torch

Take = Callable[[torch.Tensor], torch.Tensor]
Augment = Callable[[torch.Tensor, torch.Tensor], torch.Tensor]


@dataclass(frozen=True)
class Normalization:
    """`(x - mean) / std`, per channel `[C]` of images or per feature `[F]`; counted on the training data."""

    mean: tuple[float, ...]
    std: tuple[float, ...]

    def __call__(self, x: torch.Tensor) -> torch.Tensor:
        """`x` `[B, C, H, W]` or `[B, F]` of any dtype to float32; images come out channels-last, CPUs' fastest."""
        mean, scale = _constants(self.mean, self.std, x.dim(), x.device)
        layout = torch.channels_last if x.dim() == 4 else torch.contiguous_format
        return x.to(torch.float32, memory_format=layout, copy=True).sub_(mean).mul_(scale)


@lru_cache(maxsize=16)  # making them takes as long as normalising a batch of tiny images
def _constants(
    mean: tuple[float, ...], std: tuple[float, ...], dimensions: int, device: torch.device
) -> tuple[torch.Tensor, torch.Tensor]:
    shape = (1, -1, *[1] * (dimensions - 2))
    on_device = {"dtype": torch.float32, "device": device}
    return torch.tensor(mean, **on_device).view(shape), 1 / torch.tensor(std, **on_device).view(shape)


def normalization(take: Callable[[np.ndarray], np.ndarray], n: int, values: int = 20_000_000) -> Normalization:
    """Mean and standard deviation per channel or feature over examples 0 .. n-1.

    More than `values` numbers are not looked at: then evenly spaced examples stand for all. A channel that never
    changes gets std 1, so that it becomes 0 and not NaN.
    """
    looked_at = np.linspace(0, n - 1, min(n, max(256, values // take(np.arange(1)).size))).astype(np.int64)
    chunks = np.array_split(looked_at, max(1, len(looked_at) // 256))
    axes = tuple(i for i in range(take(np.arange(1)).ndim) if i != 1)

    def mean_of(function: Callable[[np.ndarray], np.ndarray]) -> np.ndarray:
        sums = [function(take(chunk).astype(np.float64)).mean(axes) * len(chunk) for chunk in chunks]
        return np.sum(sums, axis=0) / len(looked_at)

    mean = mean_of(lambda x: x)
    # two passes: E[(x - mean)^2] keeps its digits where E[x^2] - mean^2 loses them
    shape = (1, -1, *[1] * (len(axes) - 1))
    std = np.sqrt(mean_of(lambda x: np.square(x - mean.reshape(shape))))
    return Normalization(tuple(mean.tolist()), tuple(np.where(std > 1e-6, std, 1.0).tolist()))


@dataclass(frozen=True)
class TrainingFeed:
    """The training batches of each epoch, a pure function of the epoch's number.

    Args:
        take: rows by index: int64 `[M]` to `[M, C, H, W]` or `[M, F]`, on the device.
        labels: int64 `[N]`, on the device.
        order: (member, epoch) to the indices `[n]` in the order of that epoch.
        bounds: (start, stop) of each batch within an order.
        members: K; each has an order of its own.
        normalize: raw rows to the network's input.
        augment: raw rows `[B, ...]` and their numbers `[B, draws]` to rows of the same shape; None leaves them.
        numbers: (member, epoch) to the numbers from [0, 1) of all N images, `[N, draws]`, so that what happens to an
            image depends on neither its batch nor its place in the order.
        repeats: an order may hold an image several times; then the numbers go by place, so that its copies differ.
    """

    take: Take
    labels: torch.Tensor
    order: Callable[[int, int], torch.Tensor]
    bounds: Sequence[tuple[int, int]]
    members: int
    normalize: Normalization
    augment: Augment | None = None
    numbers: Callable[[int, int], torch.Tensor] | None = None
    repeats: bool = False

    @property
    def steps(self) -> int:
        """Batches an epoch."""
        return len(self.bounds)

    def epoch(self, number: int, first: int = 0) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
        """`x` `[K, B, ...]` float32 and `y` `[K, B]` of the batches from `first` on."""
        device = self.labels.device
        orders = torch.stack([self.order(k, number) for k in range(self.members)]).to(device)
        numbers = [self.numbers(k, number).to(device) for k in range(self.members)] if self.numbers else []
        for start, stop in self.bounds[first:]:
            rows = orders[:, start:stop]
            x = self.take(rows.flatten())
            if self.augment:
                chosen = [slice(start, stop)] * self.members if self.repeats else rows
                x = self.augment(x, torch.cat([table[own] for table, own in zip(numbers, chosen, strict=True)]))
            yield self.normalize(x).unflatten(0, rows.shape), self.labels[rows]


def clean_batches(
    take: Take, labels: torch.Tensor, rows: torch.Tensor, normalize: Normalization, batch: int = 512
) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
    """`x` `[B, ...]`, `y` `[B]` of `rows` in their order, for scoring."""
    for part in rows.split(batch):
        yield normalize(take(part)), labels[part]
