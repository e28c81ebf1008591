"""What the training feed needs, from a recipe: where the images lie, their order, what is done to them."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch

from ravine import data, spec
from ravine.augmentation import Pipeline, parse
from ravine.errors import DataError, UsageError
from ravine.pretrained import Start, normalization_named
from ravine.recipe import Recipe
from ravine.runs.focusing import Focus
from ravine.training.feed import Normalization, Take, TrainingFeed, normalization


def refuse_too_little(dataset: data.Dataset) -> None:
    """Raises DataError where there is too little to train and to validate on."""
    train, val = dataset.splits["train"], dataset.splits["val"]
    if len(train) < 2 or not len(val):
        found = f"{len(train)} training and {len(val)} validation images"
        raise DataError(found, where=dataset.name, expected="at least 2 and 1")
    if len(dataset.classes) < 2:
        raise DataError("one class only", where=dataset.name, expected="images of two classes or more")


def input_normalization(recipe: Recipe, train: data.Split, start: Start | None) -> Normalization:
    """What inputs are brought to: as the pretrained weights are used to, as asked for, or by the data's own numbers."""
    asked = "data" if recipe.normalize == "auto" else recipe.normalize
    channels = train.shape[0] if len(train.shape) == 3 else None
    named = start.normalization if start else normalization_named(asked, channels=channels or 3)
    return named or normalization(train.take, len(train))


def training_feed(
    recipe: Recipe,
    dataset: data.Dataset,
    take: Take,
    normalize: Normalization,
    identities: Sequence[int],
    device: torch.device,
    teach: Callable[[torch.Tensor, torch.Tensor], torch.Tensor] | None = None,
    focus: Focus | None = None,
) -> TrainingFeed:
    """The batches of each epoch, as a recipe asks for them.

    With `recipe.shared` all members see those of the first: they are gathered and augmented once, and the time for data
    is that of one member. But members that saw the same noise agree more, and their vote gains less.

    Args:
        dataset: its "train" is what is fed.
        take: rows of it, on the device.
        normalize: what the network's input is brought to.
        identities: as which member each draws, `[K]`.
        teach: as of `TrainingFeed`.
        focus: which images come more often, if some do.

    Raises:
        UsageError: as of `augmentation`.
    """
    train = dataset.splits["train"]
    return TrainingFeed(
        take=take,
        labels=torch.from_numpy(train.y).to(device),
        order=(lambda member, epoch: focus.places(member, epoch)[0]) if focus else order(recipe, train.y),
        bounds=data.steps(len(train), int(recipe.batch)),
        members=recipe.members,
        normalize=normalize,
        repeats=recipe.balance == "sampler" or focus is not None,
        identities=[identities[0]] * recipe.members if recipe.shared else identities,
        teach=teach,
        **augmentation(recipe, tuple(train.shape), len(train), len(dataset.classes), normalize, focus),
    )


def class_weights(recipe: Recipe, y: np.ndarray, classes: int, device: torch.device) -> torch.Tensor | None:
    """What each class's loss is multiplied by, `[classes]`; None for 1."""
    if recipe.balance != "loss":
        return None
    return torch.as_tensor(data.class_weights(y, classes), dtype=torch.float32, device=device)


def augmentation(
    recipe: Recipe,
    in_shape: tuple[int, ...],
    n: int,
    classes: int = 2,
    normalize: Normalization | None = None,
    focus: Focus | None = None,
) -> dict[str, Any]:
    """The feed's `augment`, `numbers` and, where labels are mixed, `mix`; nothing where a recipe augments nothing.

    Args:
        recipe: its `augment`, `balance` and `seed` are followed.
        in_shape: of an image, (C, H, W).
        n: training images.
        classes: how many there are.
        normalize: what the network's input is brought to, in the same pass.
        focus: which images come more often, if some do.

    Raises:
        UsageError: the augmentation cannot be read, or cannot be done to these images.
    """
    pipeline = training_pipeline(recipe.augment, in_shape, classes, normalize)
    if pipeline is None:
        return {}
    if recipe.balance == "sampler" and any(part.alternates for part in pipeline.parts):
        cure = "Use flip, or --balance loss"
        raise UsageError("needs each image once an epoch", where="--augment flip_alternating", cure=cure)

    def numbers(member: int, epoch: int) -> torch.Tensor:
        places = focus.places(member, epoch) if focus else None
        return pipeline.numbers(n, recipe.seed, member, epoch, places=places)

    own_draws = pipeline.own_draws
    return {"augment": pipeline.images, "numbers": numbers, "mix": pipeline.mixer, "own_draws": own_draws}


def training_pipeline(
    text: str, in_shape: tuple[int, ...], classes: int, normalize: Normalization | None = None
) -> Pipeline | None:
    """The pipeline that `--augment` names, or None where it names nothing. Raises UsageError."""
    if not spec.parse_list(text, flag="--augment"):
        return None
    if len(in_shape) != 3:
        raise UsageError("only images can be augmented", where=f"--augment {text!r}", expected="none")
    mean, std = (normalize.mean, normalize.std) if normalize else (None, None)
    pipeline = Pipeline(parse(text, in_shape), mean=mean, std=std, classes=classes)
    pipeline.refuse(*in_shape)  # what cannot be done to this size says so now
    return pipeline


def order(recipe: Recipe, y: np.ndarray) -> Callable[[int, int], torch.Tensor]:
    """(member, epoch) to the indices of that epoch: each image once, or each class equally often (sampler)."""
    if recipe.balance == "sampler":
        return lambda member, epoch: torch.as_tensor(data.balanced_order(y, recipe.seed, member, epoch))
    return lambda member, epoch: torch.as_tensor(data.order(len(y), recipe.seed, member, epoch))


def resident(split: data.Split, device: torch.device) -> Take:
    """Rows of a split as tensors on the device; a split that fits a GPU's free memory twice is moved there whole."""
    if device.type == "cuda" and 2 * split.nbytes < torch.cuda.mem_get_info(device)[0]:
        whole = torch.from_numpy(split.take(np.arange(len(split)))).to(device)
        return lambda rows: whole[rows]
    return lambda rows: torch.from_numpy(split.take(rows.cpu().numpy())).to(device)
