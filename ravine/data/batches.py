"""In which order the examples of an epoch come, and in which batches: pure functions of the seed and the epoch."""

import numpy as np


def order(n: int, seed: int, member: int, epoch: int) -> np.ndarray:
    """A permutation of 0..n-1, int64 `[n]`: each example once."""
    import torch  # not when `ravine check` starts

    from ravine import draws

    return torch.randperm(n, generator=draws.generator(seed, member, "order", epoch)).numpy()


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
