"""A pretrained network as a source of features: what each of its blocks gives for the images of a split."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import nn

from ravine import building, data, draws
from ravine.errors import DataError, UsageError, did_you_mean
from ravine.pretrained import Start, load_start
from ravine.training.feed import Normalization, normalization
from ravine.transfer import block_features, blocks
from ravine.transfer.blocks import HEAD

Tick = Callable[[int, int], None]
_BATCH = 256


@dataclass(frozen=True)
class Backbone:
    """A network with pretrained weights, in eval mode.

    Attributes:
        network: the network.
        normalize: raw rows to its input.
        names: of the blocks, first to last, without the head.
        device: where it runs.
    """

    network: nn.Module
    normalize: Normalization
    names: tuple[str, ...]
    device: torch.device

    def depth(self, block: str) -> int:
        """How many blocks lie up to the end of this one: 1 to the number of `names`.

        Args:
            block: a block's name; or how several begin ("layer1"), which means the last of them; or the depth as a
                number; or "auto", the last one, which gives what the head is given.

        Raises:
            UsageError: there is none such.
        """
        if block == "auto":
            return len(self.names)
        if block.isdecimal() and 1 <= int(block) <= len(self.names):
            return int(block)
        fitting = [i for i, name in enumerate(self.names, 1) if name == block or name.startswith(f"{block}.")]
        if fitting:
            return fitting[-1]
        cure = did_you_mean(block, self.names)
        if block == HEAD:
            cure = f"It gives the logits; what it is given is what {self.names[-1]} gives"
        expected = f"a block's name, or its number from 1 to {len(self.names)}"
        raise UsageError(f"no such block before the {HEAD}", where=f"--block {block}", expected=expected, cure=cure)

    def widths(self, split: data.Split) -> list[int]:
        """How many features each block gives for an image."""
        found = block_features(self.network, self._input(split, np.arange(1)), range(1, len(self.names) + 1))
        return [rows.shape[1] for rows in found]

    def features(self, split: data.Split, depths: Sequence[int], tick: Tick | None = None) -> list[torch.Tensor]:
        """The pooled features of all images of a split, float32 `[N, F_d]` on the CPU for each depth, in one pass.

        Args:
            tick: told how many of how many batches are done.

        Raises:
            DataError: features that are NaN or infinite. UsageError: as of `block_features`.
        """
        found: list[list[torch.Tensor]] = [[] for _ in depths]
        chunks = np.array_split(np.arange(len(split)), max(1, -(-len(split) // _BATCH)))
        for done, rows in enumerate(chunks, 1):
            given = block_features(self.network, self._input(split, rows), depths)
            for of_depth, some in zip(found, given, strict=True):
                of_depth.append(some.cpu())
            if tick:
                tick(done, len(chunks))
        joined = [torch.cat(of_depth) for of_depth in found]
        for depth, rows in zip(depths, joined, strict=True):
            if not rows.isfinite().all():
                what = f"gives {int((~rows.isfinite()).any(1).sum()):,} images NaN or infinite features"
                raise DataError(what, where=f"block {self.names[depth - 1]}", expected="weights that are finite")
        return joined

    def _input(self, split: data.Split, rows: np.ndarray) -> torch.Tensor:
        return self.normalize(torch.from_numpy(split.take(rows)).to(self.device))


def backbone(start: Start, shown: data.Split, member: int, device: torch.device) -> Backbone:
    """The network of one member, for images of this kind.

    Args:
        start: the weights.
        shown: where the weights do not say how their inputs are normalised, these images do.
        member: of several, from 0.

    Raises:
        DataError: the weights do not fit.
    """
    with draws.own_generators():  # the initial weights, which are overwritten, are drawn
        network = building.network(start.model, tuple(shown.shape), max(start.outputs, 2), start.head)
    load_start(network, start, member)
    normalize = start.normalization or normalization(shown.take, len(shown))
    names = tuple(block.name for block in blocks(network)[:-1])
    return Backbone(network.to(device).eval(), normalize, names, device)
