"""From uint8 at rest to float batches on the device: gather, convert, normalise."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Protocol

import numpy as np
import torch

Take = Callable[[torch.Tensor], torch.Tensor]
Normalize = Callable[[torch.Tensor], torch.Tensor]
Augment = Callable[[torch.Tensor, torch.Tensor], torch.Tensor]


class Mix(Protocol):
    """Makes one image of two, and one label of two."""

    def partners(self, u: torch.Tensor, pool: int) -> torch.Tensor:
        """From an image's numbers `[B, draws]` to its partner's place in a pool of so many, int64 `[B]`."""
        ...

    def __call__(
        self, x: torch.Tensor, other: torch.Tensor, y: torch.Tensor, other_y: torch.Tensor, u: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Images `[B, ...]` and labels `[B]`, their partners and numbers to images and labels `[B, classes]`."""
        ...


@dataclass(frozen=True)
class Normalization:
    """`(x - mean) / std`, per channel `[C]` of images or per feature `[F]`; counted on the training data."""

    mean: tuple[float, ...]
    std: tuple[float, ...]

    def __call__(self, x: torch.Tensor) -> torch.Tensor:
        """`x` `[B, C, H, W]` or `[B, F]` of any dtype to float32; images come out channels-last, CPUs' fastest."""
        mean, scale = _constants(self.mean, self.std, x.dim(), x.device)
        layout = torch.channels_last if x.dim() == 4 else torch.contiguous_format
        # type, then values, then layout: all at once takes twice as long
        return x.to(torch.float32, copy=True).sub_(mean).mul_(scale).contiguous(memory_format=layout)


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
        augment: raw rows `[B, ...]` and their numbers `[B, draws]` to the network's input; None only normalises.
        numbers: (member, epoch) to the numbers from [0, 1) of all N images, `[N, draws + the mix's]`, so that what
            happens to an image depends on neither its batch nor its place in the order.
        mix: mixes each image with another one of the same epoch, and their labels; takes the last of the numbers.
        own_draws: how many of the numbers are the augmentation's.
        repeats: an order may hold an image several times; then the numbers go by place, so that its copies differ.
        identities: as which member each draws; 0 to K - 1 where None. Equal ones see equal batches, made once: where
            all are equal the members share the batch's memory.
        teach: the finished `x` and `y` to the targets that are learned instead of `y`.
    """

    take: Take
    labels: torch.Tensor
    order: Callable[[int, int], torch.Tensor]
    bounds: Sequence[tuple[int, int]]
    members: int
    normalize: Normalize
    augment: Augment | None = None
    numbers: Callable[[int, int], torch.Tensor] | None = None
    repeats: bool = False
    mix: Mix | None = None
    own_draws: int | None = None
    identities: Sequence[int] | None = None
    teach: Callable[[torch.Tensor, torch.Tensor], torch.Tensor] | None = None

    @property
    def steps(self) -> int:
        """Batches an epoch."""
        return len(self.bounds)

    def epoch(self, number: int, first: int = 0) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
        """The batches from `first` on: `x` `[K, B, ...]` float32 and labels `y` int64 `[K, B]`.

        Where labels are mixed, `y` is `[K, B, classes]` float32, and each row sums to 1.
        """
        device, drawn = self.labels.device, list(range(self.members) if self.identities is None else self.identities)
        distinct = list(dict.fromkeys(drawn))
        orders = torch.stack([self.order(k, number) for k in distinct]).to(device)
        tables = torch.stack([self.numbers(k, number) for k in distinct]).to(device) if self.numbers else None
        source = torch.tensor([distinct.index(k) for k in drawn], device=device)
        for start, stop in self.bounds[first:]:
            if tables is None:
                rows = orders[:, start:stop]
                x, y = self._images(rows, None), self.labels[rows]
            else:
                x, y = self._augmented(orders, tables, start, stop)
            if distinct != drawn:
                x, y = _handed_out(x, source), _handed_out(y, source)
            yield x, self.teach(x, y) if self.teach else y

    def _augmented(
        self, orders: torch.Tensor, tables: torch.Tensor, start: int, stop: int
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """A batch, from the orders `[K, n]` and numbers `[K, N, draws]` of its epoch."""
        # an image is known by its row in the data or, where it may come several times, by its place in the order
        known = torch.arange(start, stop, device=orders.device).expand(len(orders), -1)
        known = known if self.repeats else orders[:, start:stop]
        member = torch.arange(len(orders), device=orders.device)[:, None]
        rows, u = orders[:, start:stop], tables[member, known]
        x, y = self._images(rows, u), self.labels[rows]
        if self.mix is None:
            return x, y
        last = u[..., self.own_draws :].flatten(0, 1)
        pool = orders.shape[1] if self.repeats else len(self.labels)
        others = self.mix.partners(last, pool).view(rows.shape)
        other_rows = orders.gather(1, others) if self.repeats else others
        other = self._images(other_rows, tables[member, others])
        mixed, soft = self.mix(
            x.flatten(0, 1), other.flatten(0, 1), y.flatten(), self.labels[other_rows].flatten(), last
        )
        return mixed.unflatten(0, rows.shape), soft.unflatten(0, rows.shape)

    def _images(self, rows: torch.Tensor, u: torch.Tensor | None) -> torch.Tensor:
        """Rows `[K, B]` with their numbers `[K, B, draws]` as the network's input `[K, B, ...]`."""
        x = self.take(rows.flatten())
        if self.augment is None or u is None:
            return self.normalize(x).unflatten(0, rows.shape)
        return self.augment(x, u.flatten(0, 1)[:, : self.own_draws]).unflatten(0, rows.shape)


def _handed_out(made: torch.Tensor, source: torch.Tensor) -> torch.Tensor:
    """From what was made `[made, B, ...]` to each member's `[K, B, ...]`, in the same layout of memory."""
    if len(made) == 1:
        return made.expand(len(source), *made.shape[1:])
    return made[source]


def clean_batches(
    take: Take, labels: torch.Tensor, rows: torch.Tensor, normalize: Normalize, batch: int = 512
) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
    """`x` `[B, ...]`, `y` `[B]` of `rows` in their order, for scoring."""
    for part in rows.split(batch):
        yield normalize(take(part)), labels[part]
