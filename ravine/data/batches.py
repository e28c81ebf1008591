"""In which order the examples of an epoch come, and in which batches: pure functions of the seed and the epoch."""

import numpy as np


def order(n: int, seed: int, member: int, epoch: int) -> np.ndarray:
    """A permutation of 0..n-1, int64 `[n]`: each example once."""
    import torch  # not when `ravine check` starts

    from ravine import draws

    return torch.randperm(n, generator=draws.generator(seed, member, "order", epoch)).numpy()


def balanced_order(y: np.ndarray, seed: int, member: int, epoch: int) -> np.ndarray:
    """n draws with replacement, int64 `[n]`: first a class, each that has examples equally likely, then one of it.

    Args:
        y: int64 `[n]` class indices.
    """
    import torch

    from ravine import draws

    generator = draws.generator(seed, member, "order", epoch)
    u = torch.rand((2, len(y)), generator=generator, dtype=torch.float64).numpy()
    present, first, count = np.unique(np.sort(y), return_index=True, return_counts=True)
    drawn = (u[0] * len(present)).astype(np.int64)
    return np.argsort(y, kind="stable")[first[drawn] + (u[1] * count[drawn]).astype(np.int64)]


def steps(n: int, batch: int) -> list[tuple[int, int]]:
    """The spans (start, stop) of an epoch's batches: nothing is dropped, and no batch has one example unless n is 1.

    A last batch of one is merged into the one before it, for batch normalization has no variance of one example.

        >>> steps(9, 4)
        [(0, 4), (4, 9)]
    """
    stops = list(range(batch, n, batch))
    if stops and n - stops[-1] == 1 and batch > 1:
        stops.pop()
    return list(zip([0, *stops], [*stops, n], strict=True)) if n else []


def class_weights(y: np.ndarray, classes: int) -> np.ndarray:
    """Weights float64 `[classes]` for the loss, `n / (k * count)` with k classes that have examples; 0 for the others.

    Every class then weighs the same in total, and the mean weight of an example is 1.
    """
    count = np.bincount(y, minlength=classes)
    return np.divide(len(y), (count > 0).sum() * count, out=np.zeros(classes), where=count > 0)
