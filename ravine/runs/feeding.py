"""What the training feed needs, from a recipe: where the images lie, their order, what is done to them."""

from collections.abc import Callable
from typing import Any

import numpy as np
import torch

from ravine import data, spec
from ravine.augmentation import Pipeline, parse
from ravine.errors import UsageError
from ravine.recipe import Recipe
from ravine.training.feed import Normalization, Take


def augmentation(
    recipe: Recipe, in_shape: tuple[int, ...], n: int, classes: int = 2, normalize: Normalization | None = None
) -> dict[str, Any]:
    """The feed's `augment`, `numbers` and, where labels are mixed, `mix`; nothing where a recipe augments nothing.

    Args:
        recipe: its `augment`, `balance` and `seed` are followed.
        in_shape: of an image, (C, H, W).
        n: training images.
        classes: how many there are.
        normalize: what the network's input is brought to, in the same pass.

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
        return pipeline.numbers(n, recipe.seed, member, epoch)

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
