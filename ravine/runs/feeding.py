"""What the training feed needs, from a recipe: where the images lie, their order, what is done to them."""

from collections.abc import Callable
from typing import Any

import numpy as np
import torch

from ravine import data, draws, spec
from ravine.augmentation import AUGMENTATIONS, Pipeline
from ravine.errors import UsageError
from ravine.recipe import Recipe
from ravine.training.feed import Take


def augmentation(recipe: Recipe, in_shape: tuple[int, ...], n: int) -> dict[str, Any]:
    """The feed's `augment` and `numbers` for a recipe; nothing where it augments nothing. Raises UsageError."""
    specs = spec.parse_list(recipe.augment, flag="--augment")
    if not specs:
        return {}
    if len(in_shape) != 3:
        raise UsageError("only images can be augmented", where=f"--augment {recipe.augment!r}", expected="none")
    pipeline = Pipeline([spec.build(one, AUGMENTATIONS, flag="--augment") for one in specs])
    pipeline(torch.zeros(1, *in_shape), torch.zeros(1, pipeline.draws))  # what cannot be done to this size says so now

    def numbers(member: int, epoch: int) -> torch.Tensor:
        return torch.rand(n, pipeline.draws, generator=draws.generator(recipe.seed, member, "augment", epoch))

    return {"augment": pipeline, "numbers": numbers}


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
