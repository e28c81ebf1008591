"""The vote: members' probabilities are averaged, whatever the members are."""

from typing import Any

import numpy as np

from ravine.errors import UsageError


def as_array(values: Any, where: str) -> np.ndarray:
    """Numbers of numpy, torch or nested lists as an array. Raises UsageError for what is none."""
    try:
        array = np.asarray(values.detach().cpu() if hasattr(values, "detach") else values)
    except (TypeError, ValueError) as error:
        raise UsageError(f"no array: {error}", where=where, expected="numbers of equal shapes") from error
    if array.dtype.kind not in "biuf":
        raise UsageError(f"an array of {array.dtype}", where=where, expected="numbers")
    return array


def vote(probabilities: np.ndarray, weights: np.ndarray | None = None) -> np.ndarray:
    """The average of probabilities over members.

        p(c | x) = sum_k w_k p_k(c | x),   w_k = 1 / K unless given

    Never worse in log loss than the mean member, since -log is convex (Jensen):
    -log mean_k p_k <= mean_k -log p_k.

    Args:
        probabilities: `[K, N, classes]`.
        weights: `[K]`, 0 or more, not all 0; scaled to sum to 1.

    Returns:
        `[N, classes]`, of the type of `probabilities` (float64 for whole numbers); summed in float64.

    Raises:
        UsageError: weights that cannot be.
    """
    probabilities = as_array(probabilities, "vote")
    if not np.issubdtype(probabilities.dtype, np.floating):
        probabilities = probabilities.astype(np.float64)
    if not probabilities.ndim or not len(probabilities):
        raise UsageError(f"shape {probabilities.shape}", where="vote", expected="[K, N, classes], K at least 1")
    if weights is None:
        return probabilities.mean(0, dtype=np.float64).astype(probabilities.dtype)
    weights = as_array(weights, "vote").astype(np.float64)
    if weights.shape != probabilities.shape[:1] or not (weights >= 0).all() or not 0 < weights.sum() < np.inf:
        expected = f"{len(probabilities)} numbers, 0 or more, not all 0"
        raise UsageError(f"weights {weights.tolist()}", where="vote", expected=expected)
    return np.tensordot(weights / weights.sum(), probabilities.astype(np.float64), 1).astype(probabilities.dtype)
