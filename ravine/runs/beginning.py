"""What a network begins with where a recipe names pretrained weights: which blocks, and which head."""

from collections.abc import Callable, Sequence
from functools import lru_cache

import torch
from torch import nn

from ravine import building, draws
from ravine.errors import DataError, UsageError, listed
from ravine.population import Population
from ravine.pretrained import Start, load_start
from ravine.recipe import Recipe
from ravine.runs.regularizing import pieces
from ravine.transfer import blocks, chosen, classifier

Begin = Callable[[nn.Module, int], None]


def settled_head(recipe: Recipe, start: Start, classes: Sequence[str], taken: bool = True) -> tuple[str, str]:
    """The recipe's head without "auto": linear, mlp or keep; and why.

    Args:
        recipe: its `head` is followed.
        start: the pretrained weights.
        classes: of the data.
        taken: whether the head is among the blocks that the recipe's `keep` takes.

    Raises:
        UsageError: the pretrained head is to be kept, and is not among the blocks that are.
        DataError: it is one for other classes.
    """
    same = start.classes is not None and set(start.classes) == set(classes)
    head = recipe.head if recipe.head != "auto" else "keep" if same and taken else "linear"
    if head != "keep":
        said = f"a new {head} head for {len(classes)} classes"
        could = recipe.head == "auto" and taken and start.classes is None and start.outputs == len(classes)
        return head, f"{said} (--head keep takes the pretrained one, which has as many outputs)" if could else said
    if not taken:
        what, cure = f"--keep {recipe.keep!r} leaves the head out", "Use --head linear, or name the head in --keep too"
        raise UsageError(what, where="--head keep", cure=cure)
    if start.classes is not None and not same:
        other = sorted(set(classes) ^ set(start.classes))
        what = f"classes that only one of both knows: {', '.join(other[:5])}{', ...' if len(other) > 5 else ''}"
        raise DataError(what, where="--head keep", expected="the classes of the weights", cure="Use --head linear")
    if start.outputs != len(classes):
        what = f"{start.outputs} pretrained outputs for {len(classes)} classes"
        raise DataError(what, where="--head keep", expected="as many", cure="Use --head linear")
    if start.classes is None:
        return head, "the pretrained head is kept"
    return head, "the pretrained head is kept: its classes are these; --head linear for a new one"


@lru_cache(maxsize=4)
def block_names(model: str, in_shape: tuple[int, ...]) -> tuple[str, ...]:
    """The blocks of a network, head last, as `--keep` and `--freeze` name them."""
    with draws.own_generators():  # its weights are drawn, and thrown away
        return tuple(block.name for block in blocks(building.network(model, in_shape, classes=2)))


def refuse_frozen_new(recipe: Recipe, start: Start, in_shape: tuple[int, ...]) -> None:
    """Raises UsageError where blocks that begin anew are to be frozen: they would stay as they were drawn, for ever."""
    names = block_names(start.model, in_shape)
    kept, frozen = (chosen(names, text, flag) for text, flag in ((recipe.keep, "--keep"), (recipe.freeze, "--freeze")))
    both = list(zip(names[:-1], kept, frozen, strict=False))  # a frozen head is refused anyway
    new = [name for name, taken, stays in both if stays and not taken]
    if new:
        instead = ", ".join(name for name, taken, stays in both if stays and taken) or "none"
        what = f"{listed(new)} would stay as drawn at random, since --keep {recipe.keep!r} does not take {_them(new)}"
        raise UsageError(
            what, where=f"--freeze {recipe.freeze!r}", cure=f'Keep {_them(new)} too, or --freeze "{instead}"'
        )


def _them(names: Sequence[str]) -> str:
    return "it" if len(names) == 1 else "them"


def kind_of_head(recipe: Recipe, start: Start | None) -> str:
    """How the head is made, of a settled recipe: linear or mlp."""
    return start.head if recipe.head == "keep" and start else "mlp" if recipe.head == "mlp" else "linear"


def beginning(recipe: Recipe, start: Start, classes: Sequence[str]) -> Begin:
    """A function that copies the pretrained weights that are kept into a new network of a member's number.

    Args:
        recipe: settled; its `keep` and `head` are followed.
        start: the weights. Those of several networks are dealt out by number.
        classes: the order of the logits, into which a kept head is brought.
    """
    order = None
    if recipe.head == "keep" and start.classes is not None:
        order = torch.tensor([start.classes.index(name) for name in classes])

    def begin(network: nn.Module, number: int) -> None:
        load_start(network, start, number, kept_names(recipe, network))
        if order is not None:
            for values in network.get_submodule(classifier(network)).parameters(recurse=False):
                values.data.copy_(values.data[order])

    return begin


def kept_names(recipe: Recipe, network: nn.Module) -> tuple[str, ...]:
    """The parameters and buffers of a network that come from the pretrained weights; the classifier with head=keep.

    Raises:
        UsageError: `keep` names blocks that there are not.
    """
    row = blocks(network)
    kept = chosen([block.name for block in row], recipe.keep, "--keep")
    names = [(*block.parameters, *block.buffers) for block, taken in zip(row, kept, strict=True) if taken]
    if recipe.head == "keep":
        return tuple(name for of_block in names for name in of_block)
    new = classifier(network)
    new = new.rpartition(".")[0] if recipe.head == "mlp" else new
    return tuple(name for of_block in names for name in of_block if not name.startswith(f"{new}."))


def start_row(recipe: Recipe, population: Population) -> torch.Tensor:
    """The weights `[K, P]` that a population has begun with, where they are pretrained; 0 elsewhere."""
    kept = set(kept_names(recipe, population.members[0]))
    start = population.weights.clone()
    for slot in population.layout:
        if slot.name not in kept:
            start[:, slot.start : slot.stop] = 0.0
    return start


def refuse_without(recipe: Recipe) -> None:
    """Raises UsageError for settings that mean nothing without pretrained weights."""
    if recipe.pretrained != "none":
        if recipe.forward in ("wide", "vmap"):
            what = "what is frozen is run member by member"
            raise UsageError(what, where=f"--forward {recipe.forward}", expected="loop or auto with --pretrained")
        return
    asked = {
        "keep": recipe.keep != "all",
        "freeze": recipe.freeze != "none",
        "unfreeze_at": recipe.unfreeze_at not in ("auto", 0),
        "gradual": recipe.gradual,
        "layer_decay": recipe.layer_decay not in ("auto", 1),
        "bn": recipe.bn not in ("auto", "train"),
        "head": recipe.head == "keep",
        "regularize": "l2_sp" in pieces(recipe),
    }
    for name, given in asked.items():
        if given:
            where = f"--{name.replace('_', '-')}"
            raise UsageError("means nothing without pretrained weights", where=where, cure="Give --pretrained WEIGHTS")
