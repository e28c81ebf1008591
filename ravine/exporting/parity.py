"""Whether a file says what ravine says: the same rows through both."""

import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

Answer = Callable[[np.ndarray], np.ndarray]  # rows [N, ...] to probabilities [N, classes]
_SECONDS = 0.2  # that are spent on timing one of the two, at most, unless a single pass takes longer


@dataclass(frozen=True)
class Parity:
    """How far two ways to answer are apart.

    Attributes:
        n: rows that both answered.
        largest: largest difference of a probability; NaN where one of them is NaN.
        same: share of rows with the same likeliest class, 0..1.
    """

    n: int
    largest: float
    same: float


def parity(answers: np.ndarray, expected: np.ndarray) -> Parity:
    """Compares probabilities `[N, classes]`."""
    same = answers.argmax(1) == expected.argmax(1)
    return Parity(len(expected), float(np.abs(answers - expected).max()), float(same.mean()))


def timed(answer: Answer, rows: np.ndarray) -> float:
    """Seconds that the rows take, the best of several passes; the first one should have been made before."""
    seconds, ends = [], time.perf_counter() + _SECONDS
    while not seconds or time.perf_counter() + min(seconds) < ends:
        started = time.perf_counter()
        answer(rows)
        seconds.append(time.perf_counter() - started)
    return min(seconds)
