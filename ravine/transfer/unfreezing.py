"""Which block is trained when, and at which share of the rate: a function of progress alone.

    factor of block i = decay^(head - i) ramp(progress - start of i)      0 before its start

First the head, which knows nothing, then all, each block at a lower rate than the one after it: what is near the images
serves all images (Howard and Ruder 2018, "Universal Language Model Fine-tuning": gradual unfreezing; Clark et al. 2020,
"ELECTRA": rates that decay by layer). Since nothing else enters, a training that is taken up again cannot freeze or
unfreeze anything at another step than one that was never interrupted.
"""

import math
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from ravine.errors import UsageError, did_you_mean
from ravine.transfer.blocks import Block
from ravine.transfer.choosing import chosen

BN = ("auto", "frozen", "stats", "train")
NEVER = math.inf
_FIRST = 0.01  # share of its rate at which a block begins, as a warm-up does


class Span(NamedTuple):
    """Columns `start` to `stop` of a population's matrix that are trained alike: since when, at which `factor`."""

    start: int
    stop: int
    factor: float
    since: float


@dataclass(frozen=True)
class Unfreezing:
    """When each block is trained, at which share of the rate, and what its batch norms do.

    Attributes:
        names: of the blocks, head last.
        starts: progress, 0 to 1, from which each is trained: 0.0 from the first step, inf never.
        decay: share of the rate from block to block, down from the head.
        bn: what batch norms do. auto: those of frozen blocks keep statistics and weights, others are trained. frozen:
            as auto, and all pretrained ones keep their statistics, also in trained blocks. stats: statistics of
            frozen blocks follow the new images. train: their weights are trained, too.
        ramp: progress over which a block's rate grows from 1% after it is unfrozen, as a warm-up: the first steps go by
            few gradients. What is trained from the first step has none: that is the schedule's business.
        fresh: names of the blocks that begin anew, beside the head: trained at the full rate, and with statistics of
            their own.
        share: of the rate that pretrained blocks take, where others begin anew beside them.
    """

    names: tuple[str, ...]
    starts: tuple[float, ...]
    decay: float
    bn: str
    ramp: float = 0.05
    fresh: tuple[str, ...] = ()
    share: float = 1.0

    def trained(self, i: int, progress: float) -> bool:
        """Whether block i is trained at this progress."""
        return progress >= self.starts[i]

    def factor(self, i: int, progress: float) -> float:
        """What the rate of block i is multiplied by; 0 where it is frozen."""
        if not self.trained(i, progress):
            return 0.0
        climbed = 1.0
        if self.starts[i] > 0 and self.ramp > 0:
            climbed = min(1.0, max(_FIRST, (progress - self.starts[i]) / self.ramp))
        return self._share(i) * climbed

    def norm(self, i: int, progress: float) -> str:
        """What the batch norms of block i do.

        Returns:
            "kept": they normalize by the statistics that they have (eval mode). "follows": their statistics follow the
            images, their weights stay. "trained": both.
        """
        if self.bn == "frozen" and i < len(self.names) - 1 and self.names[i] not in self.fresh:
            return "kept"
        if self.norm_weights_trained(i, progress):
            return "trained"
        return "follows" if self.bn == "stats" else "kept"

    def norm_weights_trained(self, i: int, progress: float) -> bool:
        """Whether gamma and beta of block i's batch norms are trained: with the block, and with bn=train always."""
        return progress >= self.norm_start(i)

    def norm_start(self, i: int) -> float:
        """Progress from which gamma and beta of block i's batch norms are trained."""
        return 0.0 if self.bn == "train" else self.starts[i]

    def norm_factor(self, i: int, progress: float) -> float:
        """`factor` for gamma and beta; with bn=train they are trained from the first step, so without a ramp."""
        return self._share(i) if self.bn == "train" else self.factor(i, progress)

    def phases(self) -> tuple[tuple[float, float], ...]:
        """(start, stop) of the stretches of progress, between which something is unfrozen."""
        edges = sorted({0.0, *(start for start in self.starts if start < 1)})
        return tuple(zip(edges, [*edges[1:], 1.0], strict=True))

    def frozen_prefix(self, progress: float) -> int:
        """How many blocks from the first on are fixed functions, so that what they give can be kept."""
        for i in range(len(self.names)):
            if self.trained(i, progress) or self.norm(i, progress) != "kept":
                return i
        return len(self.names)

    def _share(self, i: int) -> float:
        head = len(self.names) - 1
        return 1.0 if i == head or self.names[i] in self.fresh else self.share * self.decay ** (head - i)


def unfreezing(
    names: Sequence[str],
    *,
    freeze: str = "none",
    unfreeze_at: float = 0.3,
    gradual: bool = False,
    layer_decay: float = 0.8,
    bn: str = "auto",
    fresh: Collection[str] = (),
) -> Unfreezing:
    """The plan that the flags of the same names ask for.

    The head, and what begins anew, is trained from the first step; everything else from `unfreeze_at` on, all at once.
    With `gradual` block after block from the last to the first instead, evenly over half of what is then left: so even
    the first block, which starts last, is trained for half of it.

        starts, gradual:  u, u + d, u + 2 d, ...   d = (1 - u) / 2 n, with n blocks

    Args:
        names: of the blocks, head last.
        freeze: blocks that are never trained, as `chosen` reads them.
        unfreeze_at: u, 0 to 1; with 0 and without `gradual` all is trained from the first step, with 1 the head alone.
        gradual: see above.
        layer_decay: above 0, 1 at most: 1 is the same rate for all.
        bn: auto, frozen, stats or train; see `Unfreezing`.
        fresh: names of the blocks that begin anew, as they would after --keep.

    Raises:
        UsageError: a value that cannot be, or a frozen head; names the flag.
    """
    _check("--unfreeze-at", unfreeze_at, 0.0, "a number from 0 to 1")
    _check("--layer-decay", layer_decay, math.nextafter(0.0, 1.0), "a number above 0, 1 at most")
    if bn not in BN:
        raise UsageError(f"cannot be {bn!r}", where="--bn", cure=did_you_mean(str(bn), BN))
    frozen = chosen(names, freeze, "--freeze")
    if frozen[-1]:
        what, cure = "the head cannot be frozen, it learns the classes", 'Use "all but head"'
        raise UsageError(what, where=f"--freeze {freeze!r}", cure=cure)
    head = len(names) - 1
    later = [i for i in range(head) if not frozen[i] and names[i] not in fresh]
    apart = (1 - unfreeze_at) / (2 * len(later)) if gradual and later else 0.0
    starts = [NEVER if stays else 0.0 for stays in frozen]
    for turn, i in enumerate(reversed(later)):
        starts[i] = NEVER if unfreeze_at == 1 else unfreeze_at + turn * apart
    return Unfreezing(tuple(names), tuple(starts), float(layer_decay), bn, fresh=tuple(fresh))


def spans(
    plan: Unfreezing, row: Sequence[Block], layout: Iterable[Any], progress: float, norms: Collection[str]
) -> list[Span]:
    """What is trained at this progress, first columns first; what lies in no span is frozen.

    Args:
        plan: of these blocks.
        row: the blocks.
        layout: a slot for each parameter, with its `name` and its columns `start` to `stop`, in their order.
        progress: 0 to 1.
        norms: names of the parameters of batch norms.
    """
    places = {name: i for i, block in enumerate(row) for name in block.parameters}
    found: list[Span] = []
    for slot in layout:
        i, norm = places[slot.name], slot.name in norms
        factor = plan.norm_factor(i, progress) if norm else plan.factor(i, progress)
        since = plan.norm_start(i) if norm else plan.starts[i]
        if not factor:
            continue
        if found and found[-1][1:] == (slot.start, factor, since):
            found[-1] = found[-1]._replace(stop=slot.stop)
        else:
            found.append(Span(slot.start, slot.stop, factor, since))
    return found


def _check(flag: str, value: Any, low: float, words: str) -> None:
    if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= 1:
        raise UsageError(f"cannot be {value!r}", where=flag, expected=words)
