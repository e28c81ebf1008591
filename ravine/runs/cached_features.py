"""What frozen blocks give for each image, computed once: as long as nothing before the rest changes.

A linear probe so costs one pass over the images. It needs blocks that are a fixed function (frozen, norms kept), images
that are not augmented, and a network that runs its blocks one after another.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import torch

from ravine.population import Forward
from ravine.runs.networks import autocast
from ravine.training.feed import Take, TrainingFeed
from ravine.training.pace import Pace
from ravine.transfer import Unfreezing, evaluating, features, separable, tail

if TYPE_CHECKING:
    from ravine.runs.trainer import Training

# Of all images together; more is computed anew in each step
MOST_BYTES = 2 << 30
_CHUNK = 512
_SPLITS = ("train", "val")  # test is looked at once anyway


class CachedFeatures:
    """The features of a training's images after its frozen blocks, which its members share.

    Args:
        training: from pretrained weights, without augmentation.
        plan: when each block is trained.
        shared: after so many blocks at most; what comes after them differs between members.
    """

    def __init__(self, training: "Training", plan: Unfreezing, shared: int):
        self.plan, self.shared, self.population = plan, shared, training.population
        self._training = training
        self._usable: dict[int, bool] = {}
        self._kept: tuple[int, dict[str, torch.Tensor]] = (0, {})
        self._tails: tuple[int, list[torch.nn.Module]] = (0, [])

    def depth(self, progress: float) -> int:
        """After how many blocks the features are taken at this progress; 0 for none: the images themselves."""
        depth = min(self.plan.frozen_prefix(progress), self.shared)
        if depth and depth not in self._usable:
            self._usable[depth] = self._fits(depth)
        return depth if depth and self._usable[depth] else 0

    def has(self, split: str) -> bool:
        """Whether the features of a split are kept."""
        return split in _SPLITS

    def numbers(self, depth: int) -> int:
        """How many an image's features are."""
        return self._of(self._input("train", torch.arange(1)), depth).numel()

    def take(self, split: str, depth: int) -> Take:
        """Rows of a split's features: int64 `[M]` to float32 `[M, ...]`."""
        if self._kept[0] != depth:
            self._kept = depth, {}
        if split not in self._kept[1]:
            rows = torch.arange(len(self._training.labels[split])).split(_CHUNK)
            self._kept[1][split] = torch.cat([self._of(self._input(split, part), depth) for part in rows])
        found = self._kept[1][split]
        return lambda rows: found[rows]

    def run(self, depth: int) -> Forward:
        """The rest of each member, from features `[K, B, ...]` to logits `[K, B, classes]`."""
        if self._tails[0] != depth:
            self._tails = depth, [tail(member, depth) for member in self.population.members]
        rests = self._tails[1]

        def run(batch: torch.Tensor, reseed: Callable[[int], None] | None = None) -> torch.Tensor:
            logits = []
            for k, (rest, member) in enumerate(zip(rests, self.population.members, strict=True)):
                rest.training = member.training
                if reseed:
                    reseed(k)
                with autocast(self._training.recipe, self._training.device):
                    logits.append(rest(batch[k]).float())
            return torch.stack(logits)

        return run

    def _input(self, split: str, rows: torch.Tensor) -> torch.Tensor:
        training = self._training
        return training.normalize(training.takes[split](rows.to(training.device)))

    @torch.no_grad()
    def _of(self, x: torch.Tensor, depth: int) -> torch.Tensor:
        member = self.population.members[0]
        with evaluating(member), autocast(self._training.recipe, self._training.device):
            return features(member, x, depth).float()

    def _fits(self, depth: int) -> bool:
        x = self._input("train", torch.arange(2))
        if not separable(self.population.members[0], x, depth):
            return False
        images = sum(len(self._training.labels[split]) for split in _SPLITS)
        return 4 * images * self.numbers(depth) <= MOST_BYTES


@dataclass(frozen=True)
class CachedFeed:
    """The batches of a training feed, of features instead of images wherever `cached` has them.

    Args:
        images: the feed; it augments nothing.
        cached: the features.
        pace: how far each step is in the training.
    """

    images: TrainingFeed
    cached: CachedFeatures
    pace: Pace

    @property
    def steps(self) -> int:
        """Batches an epoch."""
        return self.images.steps

    def epoch(self, number: int, first: int = 0) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
        """As of `TrainingFeed`: the batches from `first` on."""
        depth, batches = -1, iter(())
        for step in range(first, self.steps):
            here = self.cached.depth(self.pace.progress(number * self.steps + step))
            if here != depth:
                depth, feed = here, self.images
                if depth:
                    feed = replace(feed, take=self.cached.take("train", depth), normalize=unchanged)
                batches = feed.epoch(number, step)
            yield next(batches)


def unchanged(x: torch.Tensor) -> torch.Tensor:
    """Features are the network's input already; images among them are channels-last, CPUs' fastest."""
    return x.contiguous(memory_format=torch.channels_last) if x.dim() == 4 else x
