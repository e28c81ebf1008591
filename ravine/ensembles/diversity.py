"""How different members are: only those that err on different examples can outvote each other's mistakes."""

import numpy as np

from ravine.ensembles.answers import Answers


def disagreement(answers: Answers) -> np.ndarray:
    """`[K, K]`: the share of examples for which two members name different classes; 0 on the diagonal."""
    said = answers.probabilities.argmax(2)
    return np.array([(said != one).mean(1) for one in said])


def error_correlation(answers: Answers) -> np.ndarray:
    """`[K, K]`: Pearson's correlation of two members' errors, 1 where both are wrong or the other is as it is.

    0 is what independent errors would have. NaN beside a member that is always right or always wrong.
    """
    wrong = 1.0 - answers.correct
    away = wrong - wrong.mean(1, keepdims=True)
    length = np.sqrt(np.square(away).sum(1))
    scale = np.outer(length, length)
    return np.divide(away @ away.T, scale, out=np.full(scale.shape, np.nan), where=scale > 0)


def pair_mean(matrix: np.ndarray) -> float:
    """The mean of `[K, K]` over pairs of different members, without NaN; NaN where there is no pair."""
    pairs = matrix[np.triu_indices(len(matrix), 1)]
    pairs = pairs[~np.isnan(pairs)]
    return float(pairs.mean()) if len(pairs) else float("nan")
