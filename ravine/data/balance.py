"""Two ways for rare classes to count as much as frequent ones: drawn more often, or weighted in the loss."""

import numpy as np


def balanced_order(y: np.ndarray, seed: int, member: int, epoch: int) -> np.ndarray:
    """n draws with replacement, int64 `[n]`: first a class, each that has examples equally likely, then one of it.

    Args:
        y: int64 `[n]` class indices.
    """
    import torch  # not when `ravine check` starts

    from ravine import draws

    generator = draws.generator(seed, member, "order", epoch)
    u = torch.rand((2, len(y)), generator=generator, dtype=torch.float64).numpy()
    present, first, count = np.unique(np.sort(y), return_index=True, return_counts=True)
    drawn = (u[0] * len(present)).astype(np.int64)
    return np.argsort(y, kind="stable")[first[drawn] + (u[1] * count[drawn]).astype(np.int64)]


def class_weights(y: np.ndarray, classes: int) -> np.ndarray:
    """Weights float64 `[classes]` for the loss, `n / (k * count)` with k classes that have examples; 0 for the others.

    Every class then weighs the same in total, and the mean weight of an example is 1.
    """
    count = np.bincount(y, minlength=classes)
    return np.divide(len(y), (count > 0).sum() * count, out=np.zeros(classes), where=count > 0)
