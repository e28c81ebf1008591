"""The vote's accuracy against the number of members, so that one sees how many are worth their cost."""

from dataclasses import dataclass
from itertools import combinations
from math import comb

import numpy as np

from ravine.ensembles.answers import Answers
from ravine.ensembles.scores import log_losses
from ravine.errors import UsageError

_AT_ONCE = 4_000_000  # numbers held while votes are counted


@dataclass(frozen=True)
class Size:
    """All ensembles of one size that can be made of the members, or a sample of them.

    Attributes:
        members: how many vote.
        accuracy, log_loss: of each subset, `[subsets]`.
        complete: whether these are all subsets.
    """

    members: int
    accuracy: np.ndarray
    log_loss: np.ndarray
    complete: bool


def by_size(answers: Answers, weights: np.ndarray | None = None, *, most: int = 100, seed: int = 0) -> list[Size]:
    """What 1, 2, ..., K of the members would have come to.

    Subsets share members, so their spread is not how much new trainings would differ; it shrinks to nothing at K.

    Args:
        answers: of K members on N examples.
        weights: `[K]`, above 0, as of `vote`.
        most: subsets of a size that are tried; where there are more, so many are drawn.
        seed: of the draws.

    Raises:
        UsageError: weights that are not above 0.
    """
    weights = np.ones(answers.members) if weights is None else np.asarray(weights, np.float64)
    if weights.shape != (answers.members,) or not (weights > 0).all():
        expected = f"{answers.members} numbers above 0"
        raise UsageError(f"weights {weights.tolist()}", where="by_size", expected=expected)
    return [_of(answers, weights, size, most, seed) for size in range(1, answers.members + 1)]


def _of(answers: Answers, weights: np.ndarray, size: int, most: int, seed: int) -> Size:
    chosen, complete = _subsets(answers.members, size, most, seed)
    shares = np.zeros((len(chosen), answers.members))
    np.put_along_axis(shares, chosen, weights[chosen], axis=1)
    shares /= shares.sum(1, keepdims=True)
    n, classes = answers.probabilities.shape[1:]
    right, cost = np.zeros(len(chosen)), np.zeros(len(chosen))
    rows = max(1, _AT_ONCE // (len(chosen) * classes))
    for start in range(0, n, rows):
        labels = answers.labels[start : start + rows]
        # [subsets, K] @ [K, rows * classes]: every subset's vote in one product
        said = answers.probabilities[:, start : start + rows].reshape(answers.members, -1)
        votes = (shares @ said.astype(np.float64)).reshape(len(chosen), len(labels), classes)
        right += (votes.argmax(2) == labels).sum(1)
        cost += log_losses(votes, labels).sum(1)
    return Size(size, right / max(1, n), cost / max(1, n), complete)


def _subsets(members: int, size: int, most: int, seed: int) -> tuple[np.ndarray, bool]:
    """int64 `[subsets, size]`, different ones, and whether they are all."""
    if comb(members, size) <= most:
        return np.array(list(combinations(range(members), size))), True
    import torch

    from ravine import draws

    generator = draws.generator(seed, 0, "subsets", step=size)
    drawn: dict[tuple[int, ...], None] = {}
    while len(drawn) < most:
        drawn[tuple(sorted(torch.randperm(members, generator=generator)[:size].tolist()))] = None
    return np.array(list(drawn)), False
