"""`--folds` and `--fold`: the training images in k parts, of which one is held out for validation."""

from dataclasses import replace

import numpy as np

from ravine import data
from ravine.data.findings import Finding
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


def unseen_classes(labels: np.ndarray, fold: np.ndarray) -> np.ndarray:
    """The classes of which all images are in one fold: whoever is judged on them has never seen one."""
    classes = np.unique(labels)
    return np.array([c for c in classes if len(np.unique(fold[labels == c])) == 1], np.int64)


def with_warnings(dataset: data.Dataset, recipe: Recipe) -> data.Dataset:
    """The data set with the warnings that are true of its folds: copies are never parted. As it is without folds."""
    if not recipe.folds:
        return dataset
    splits, pool, fold = dealt(dataset, recipe)
    said = [one for one in dataset.findings.warnings if one.code not in ("duplicates", "leak")]
    if "test" in splits and dataset.findings.copies:
        n, known = len(splits["test"]), int(np.isin(_digests(splits["test"]), _digests(pool)).sum())
        text = f"LEAK: {known:,} of the {n:,} test images are also in the folds: test scores will be too good"
        said += [Finding("leak", text)] if known else []
    if len(alone := unseen_classes(pool.y, fold)):
        names = ", ".join(dataset.classes[c] for c in alone[:5]) + (", ..." if len(alone) > 5 else "")
        text = f"all images of {names} are in one fold, so who is judged on them has never seen the like"
        said.append(Finding("unseen-class", text))
    return replace(dataset, findings=replace(dataset.findings, warnings=tuple(said)))


def _copies(split: data.Split) -> np.ndarray:
    """int64 `[N]`: equal for equal images."""
    return np.unique(_digests(split), return_inverse=True)[1]


def _digests(split: data.Split) -> np.ndarray:
    """uint64 `[N]`."""
    chunks = (np.arange(start, min(start + _CHUNK, len(split))) for start in range(0, len(split), _CHUNK))
    return np.array([digest(row) for chunk in chunks for row in split.take(chunk)], np.uint64)
