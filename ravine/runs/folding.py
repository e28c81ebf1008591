"""`--folds` and `--fold`: the training images in k parts, of which one is held out for validation."""

from dataclasses import replace

import numpy as np

from ravine import data
from ravine.data.verdicts import digest
from ravine.ensembles import folds
from ravine.errors import DataError, UsageError
from ravine.recipe import Recipe

_CHUNK = 1024


def check(recipe: Recipe) -> None:
    """Raises UsageError, before any data is read, for folds that cannot be."""
    if not recipe.folds and not recipe.fold:
        return
    if recipe.folds == 1 or recipe.fold >= max(1, recipe.folds):
        expected = "--folds 2 or more, and --fold from 0 to one less"
        raise UsageError(f"fold {recipe.fold} of {recipe.folds}", where="--folds", expected=expected)
    if recipe.val != "auto":
        raise UsageError("the fold is the validation", where=f"--val {recipe.val}", expected="no --val with folds")


def held_out(dataset: data.Dataset, recipe: Recipe) -> data.Dataset:
    """The data set whose "val" is the recipe's fold and whose "train" are the others. Raises as `dealt`."""
    splits, pool, fold = dealt(dataset, recipe)
    train, val = (pool.part(np.flatnonzero(chosen)) for chosen in (fold != recipe.fold, fold == recipe.fold))
    return replace(dataset, splits={"train": train, "val": val, **splits})


def dealt(dataset: data.Dataset, recipe: Recipe) -> tuple[dict[str, data.Split], data.Split, np.ndarray]:
    """What is scored at the end, what is cut into folds, and the number of each of its images' fold.

    The images of train/ and val/ are cut, test/ never. Where there is no test/ and the recipe wants one, it is cut off
    first, and is that of a training without folds. Equal images are in the same fold, or one would tell of the other.

    Returns:
        The splits beside (only "test"); the images of all folds; int64 `[N]`, 0 to k - 1.

    Raises:
        DataError: no training images. UsageError: more folds than images.
    """
    if "train" not in dataset.splits:
        raise DataError("no training images", where=dataset.name, expected="train/, or class folders without splits")
    train, splits = dataset.splits["train"], {k: s for k, s in dataset.splits.items() if k == "test"}
    if recipe.test and not splits:
        rest, aside = data.cut(train.y, recipe.test, recipe.seed, "test split")
        train, splits = train.part(rest), {"test": train.part(aside)}
    pool = train.with_more(dataset.splits["val"]) if "val" in dataset.splits else train
    return splits, pool, folds(pool.y, recipe.folds, recipe.seed, _copies(pool) if dataset.findings.copies else None)


def _copies(split: data.Split) -> np.ndarray:
    """int64 `[N]`: equal for equal images."""
    chunks = (np.arange(start, min(start + _CHUNK, len(split))) for start in range(0, len(split), _CHUNK))
    digests = [digest(row) for chunk in chunks for row in split.take(chunk)]
    return np.unique(np.array(digests, np.uint64), return_inverse=True)[1]
