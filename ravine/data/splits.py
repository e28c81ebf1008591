"""Sets examples aside, stratified by class and reproducibly, where the data brings no split of its own."""

from dataclasses import replace

import numpy as np

from ravine.data.dataset import Dataset
from ravine.errors import DataError, UsageError


def cut(y: np.ndarray, fraction: float, seed: int, purpose: str) -> tuple[np.ndarray, np.ndarray]:
    """Parts the examples in two so that every class gives the same fraction to the second part.

    A class of two or more keeps at least one example on each side; a class of one stays in the first part. What one
    class gives does not depend on the others.

    Args:
        y: int64 `[N]` class indices.
        fraction: of each class that goes to the second part, in (0, 1).
        seed, purpose: of the draw; see `ravine.draws`.

    Returns:
        Two sorted int64 index arrays that together are 0..N-1.

    Raises:
        UsageError: not a fraction.
    """
    import torch  # not when `ravine check` starts

    from ravine import draws

    if not 0 < fraction < 1:
        raise UsageError("not a fraction to set aside", where=f"{purpose} {fraction}", expected="between 0 and 1")
    aside = np.zeros(len(y), bool)
    for label in np.unique(y).tolist():
        members = np.flatnonzero(y == label)
        if len(members) > 1:
            n = min(max(int(fraction * len(members) + 0.5), 1), len(members) - 1)
            generator = draws.generator(seed, 0, purpose, step=label)
            aside[members[torch.randperm(len(members), generator=generator).numpy()[:n]]] = True
    return np.flatnonzero(~aside), np.flatnonzero(aside)


def with_validation(dataset: Dataset, val_fraction: float, test_fraction: float, seed: int) -> Dataset:
    """The data set with a "val" split, and a "test" split if `test_fraction` > 0; those it has are left alone.

    What is missing is cut from "train", never from "test"; both fractions are of "train" as it was. No image is copied.

    Raises:
        DataError: no training images, or too few to set any aside. UsageError: not fractions.
    """
    if "train" not in dataset.splits:
        raise DataError("no training images", where=dataset.name, expected="train/, or class folders without splits")
    splits = dict(dataset.splits)
    if min(val_fraction, test_fraction) < 0 or val_fraction + test_fraction >= 1:
        where = f"val {val_fraction}, test {test_fraction}"
        raise UsageError("not fractions of the training images", where=where, expected="0 or more, together below 1")
    test_fraction = test_fraction if "test" not in splits else 0
    val_fraction = val_fraction if "val" not in splits else 0
    if "val" not in splits and val_fraction == 0:
        raise UsageError("nothing to choose the best weights on", where="val 0", expected="between 0 and 1")
    for name, fraction in (("test", test_fraction), ("val", val_fraction / (1 - test_fraction))):
        if fraction:
            train = splits["train"]
            rest, aside = cut(train.y, fraction, seed, f"{name} split")
            if not len(aside):
                what = f"no class has two images, so none can be set aside for {name}"
                raise DataError(what, where=dataset.name, expected="at least two images of a class")
            splits |= {"train": train.part(rest), name: train.part(aside)}
    ordered = {name: splits[name] for name in ("train", "val", "test") if name in splits}
    return replace(dataset, splits=ordered)
