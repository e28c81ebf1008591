"""k folds: every example is validated exactly once, by a network that has not seen it (Stone, 1974; Kohavi, 1995)."""

import numpy as np

from ravine import draws
from ravine.errors import UsageError


def folds(labels: np.ndarray, k: int, seed: int = 0, groups: np.ndarray | None = None) -> np.ndarray:
    """The fold that each example is held out in, stratified by class and seeded.

    The examples of each class are shuffled and dealt out in turn like cards; each class goes on at the fold where the
    one before it ended. So the folds' numbers of a class, and their sizes, differ by 1 at most.

    Examples of one group stay together: the first of them is dealt, and the others follow it, which makes the sizes
    differ by more.

    Args:
        labels: int64 `[N]`, classes.
        k: folds, 2 to N.
        seed: of the shuffles.
        groups: int64 `[N]`, equal where examples belong together, as copies of one image do; each its own where None.

    Returns:
        int64 `[N]`, 0 to k - 1.

    Raises:
        UsageError: k is not a whole number from 2 to the number of groups.
    """
    labels = np.asarray(labels)
    groups = np.arange(len(labels)) if groups is None else np.asarray(groups)
    _, first, of = np.unique(groups, return_index=True, return_inverse=True)
    if isinstance(k, bool) or not isinstance(k, int | np.integer) or not 2 <= k <= len(first):
        expected = f"a whole number from 2 to {len(first)}, the number of examples"
        raise UsageError(f"k cannot be {k!r}", where="folds", expected=expected)
    rng = np.random.default_rng(draws.number(seed, 0, "folds"))
    shuffled = rng.permutation(np.sort(first))
    dealt = shuffled[np.argsort(labels[shuffled], kind="stable")]  # class by class, each in its shuffled order
    fold = np.empty(len(labels), np.int64)
    fold[dealt] = np.arange(len(dealt)) % k
    return fold[first[of]]
