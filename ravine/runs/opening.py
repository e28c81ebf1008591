"""Data for a recipe: where it starts from pretrained weights, images are brought to what those are used to."""

import os
from typing import Any

import numpy as np

from ravine import data
from ravine.checkpoints.run_folder import RunFolder
from ravine.errors import DataError
from ravine.recipe import Recipe
from ravine.runs.start_file import read_start
from ravine.runs.starting import Start, start_from
from ravine.runs.starting import opened as seen_by
from ravine.training.console import Console


def start_of(recipe: Recipe, folder: RunFolder | None = None) -> Start | None:
    """The pretrained weights of a recipe: those that a run has kept, else those at the source that it names.

    Raises:
        DataError, UsageError: as of `start_from`.
    """
    if recipe.pretrained == "none":
        return None
    if folder and folder.pretrained.is_file():
        return read_start(folder.pretrained)
    return start_from(recipe.pretrained, model=recipe.model, normalize=recipe.normalize)


def opened(
    source: Any,
    recipe: Recipe,
    start: Start | None,
    *,
    cache: str | os.PathLike[str] | None = None,
    console: Console | None = None,
) -> data.Dataset:
    """The data set of a recipe, not yet cut.

    Images are brought to the recipe's size, else to that which the pretrained weights were trained on, else to what
    suits them; with as many channels as the weights take.

    Raises:
        DataError: as of `data.load`, or data of another kind than the weights take.
    """
    progress = console.decoding if console else None
    options = {"size": recipe.size, "max_bad": recipe.max_bad, "cache": cache, "progress": progress}
    if start is None:
        return data.load(source, **options)
    dataset = seen_by(start, source, **options)
    _refuse_unlike(dataset, start)
    return dataset


def _refuse_unlike(dataset: data.Dataset, start: Start) -> None:
    """Raises DataError where the weights cannot see this data at all."""
    split = next(iter(dataset.splits.values()))
    shape, floats = tuple(split.shape), dataset.preprocessing is None
    if start.in_shape is None:
        unlike = floats and len(shape) != 3
    else:
        unlike = len(shape) != len(start.in_shape) or (len(shape) == 1 and shape != start.in_shape)
        unlike = unlike or floats != (start.preprocessing is None)
    if unlike or (len(shape) == 3 and start.channels not in (None, shape[0])):
        kind = "numbers" if split.store.dtype != np.uint8 else "pixels"
        expected = str(start.in_shape) if start.in_shape else f"images with {start.channels} channels"
        raise DataError(f"examples of shape {shape} ({kind})", where=dataset.name, expected=expected)
