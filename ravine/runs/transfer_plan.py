"""What a transfer experiment is, before anything is trained: network, blocks, depths, and what may be asked of it."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch

from ravine import building, data, draws
from ravine.errors import UsageError
from ravine.pretrained import Start
from ravine.recipe import Recipe
from ravine.runs.beginning import kind_of_head, settled_head
from ravine.runs.budget import without_clock
from ravine.runs.defaults import resolve, with_held_out
from ravine.runs.fold_results import steered_by
from ravine.runs.learned_before import apart
from ravine.runs.transfer_points import recipe_for
from ravine.transfer import blocks
from ravine.transfer.what_transfers import SCRATCH, Setting, spread_out

_OWN = ("keep", "freeze", "unfreeze_at", "gradual", "sweep", "snapshots")  # set by the experiment itself


@dataclass(frozen=True)
class Experiment:
    """All that is decided before the first training.

    Attributes:
        recipe: as asked for, and with a new head.
        dataset: with its validation split, where the weights have learned this data as it was cut for them.
        start: the pretrained weights.
        device: where to train.
        rate: of a training from scratch.
        share: of it that fine-tuning takes.
        blocks, parameters, depths: see `Transfer`.
    """

    recipe: Recipe
    dataset: data.Dataset
    start: Start
    device: torch.device
    rate: float
    share: float
    blocks: tuple[str, ...]
    parameters: tuple[int, ...]
    depths: tuple[int, ...]

    def decided(self, setting: Setting = SCRATCH) -> tuple[Recipe, list[str]]:
        """The recipe of one training without "auto", and a sentence for each decision."""
        return resolve(recipe_for(self.recipe, setting, self.rate), self.dataset, self.device, self.start)


def checked(asked: Recipe) -> Recipe:
    """The recipe, if all that it asks for can differ here. Raises UsageError."""
    if asked.pretrained != "none":
        raise UsageError("are given by their path here", where="--pretrained", expected="ravine transfers WEIGHTS DATA")
    for name in _OWN:
        if getattr(asked, name) != getattr(Recipe, name):
            raise UsageError(
                "is what the experiment sets itself", where=f"--{name.replace('_', '-')}", cure="Leave it out"
            )
    asked = without_clock(asked)
    if asked.head == "keep":
        raise UsageError("the rest is new at every depth", where="--head keep", expected="linear or mlp")
    plan = asked.schedule if asked.schedule != "auto" else "constant"
    if steered := steered_by(asked.changed(schedule=plan)):
        what = f"{steered[0]} looks at validation, which here only judges"
        raise UsageError(what, where="ravine transfers", expected="trainings that it does not steer")
    return asked


def numbers(depths: str | Sequence[int]) -> tuple[int, ...] | None:
    """Depths as numbers; None for "auto". Raises UsageError."""
    words = depths.split(",") if isinstance(depths, str) else [str(depth) for depth in depths]
    if [word.strip() for word in words] == ["auto"]:
        return None
    if not words or not all(word.strip().isascii() and word.strip().isdigit() for word in words):
        raise UsageError(f"cannot be {depths!r}", where="--depths", expected='numbers of blocks, such as "0, 3, 6"')
    return tuple(map(int, words))


def experiment(
    asked: Recipe, dataset: data.Dataset, start: Start, device: torch.device, wanted: tuple[int, ...] | None
) -> Experiment:
    """Decides what can be decided before the first training.

    Args:
        asked: as of `checked`.
        dataset: as `opened` gave it.
        start: the pretrained weights.
        device: where to train.
        wanted: depths, or None.

    Raises:
        UsageError: a depth that there is not. DataError: too little data.
    """
    dataset, asked, start = apart(dataset, asked, start)
    held, _ = with_held_out(dataset, asked)
    kept_head = settled_head(asked, start, held.classes)[0] == "keep"
    recipe = asked.changed(head="linear") if kept_head else asked
    decided, _ = resolve(recipe, held, device, start)
    with draws.own_generators():  # its weights are drawn, and thrown away
        shape, classes = tuple(held.splits["train"].shape), len(held.classes)
        network = building.network(decided.model, shape, classes, kind_of_head(decided, start))
    row = blocks(network)
    every, sizes = len(row) - 1, {name: values.numel() for name, values in network.named_parameters()}
    names = tuple(block.name for block in row[:-1])
    if wanted and max(wanted) > every:
        what = f"{counted(every)} before the head: {', '.join(names)}"
        raise UsageError(what, where=f"--depths {max(wanted)}", expected=f"0 to {every}")
    depths = spread_out(every) if wanted is None else tuple(sorted({0, every, *wanted}))
    parameters = tuple(sum(sizes[name] for name in block.parameters) for block in row)
    from_scratch, _ = resolve(asked.changed(pretrained="none", model=decided.model), held, device)
    rate = float(from_scratch.lr)
    share = float(decided.lr) / rate if rate else 1.0
    return Experiment(recipe, held, start, device, rate, share, names, parameters, depths)


def counted(blocks: int) -> str:
    """`1 block`, `7 blocks`."""
    return f"{blocks} block{'s' * (blocks != 1)}"
