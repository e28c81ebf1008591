"""Temperature: one number, fitted on validation, that makes a network as sure as it is right (Guo et al., 2017)."""

import math

import numpy as np

from ravine.ensembles.scores import LEAST
from ravine.errors import UsageError

COLDEST, HOTTEST = 0.05, 20.0


def tempered(probabilities: np.ndarray, temperature: float) -> np.ndarray:
    """Probabilities made less sure (T above 1) or surer (below 1); the likeliest class stays the likeliest.

        p_T(c) = p(c)^(1/T) / sum_c p(c)^(1/T)

    For one softmax that is the softmax of logits / T. Of an ensemble the averaged probabilities are taken.

    Args:
        probabilities: `[N, classes]`.
        temperature: above 0.

    Raises:
        UsageError: another temperature.
    """
    if not 0 < temperature < np.inf:
        raise UsageError(f"cannot be {temperature}", where="temperature", expected="a finite number above 0")
    return _softmax(_logarithms(probabilities), 1 / temperature).astype(probabilities.dtype)


def temperature(probabilities: np.ndarray, labels: np.ndarray) -> float:
    """The temperature T whose log loss on these examples is least.

    In b = 1/T the loss mean_n (log sum_c p_c^b - b log p_y) is convex, so its slope has one zero:

        mean_n sum_c p_b(c) log p(c)  =  mean_n log p(y)

    Args:
        probabilities: `[N, classes]`, of validation examples, N at least 1.
        labels: int64 `[N]`.

    Returns:
        T from 0.05 to 20: a bound where no temperature between is best, as where every answer is right.

    Raises:
        UsageError: no examples.
    """
    if not len(labels):
        raise UsageError("no examples", where="temperature", expected="at least one, of validation")
    from scipy.optimize import brentq

    logs = _logarithms(probabilities)
    right = logs[np.arange(len(labels)), labels].mean()

    def slope(log_t: float) -> float:
        return float((_softmax(logs, math.exp(-log_t)) * logs).sum(1).mean() - right)

    low, high = math.log(COLDEST), math.log(HOTTEST)
    if slope(low) <= 0:  # colder still would be better, or all are the same
        return COLDEST if slope(high) < 0 else 1.0
    if slope(high) >= 0:
        return HOTTEST
    return math.exp(float(brentq(slope, low, high, xtol=1e-6)))  # pyright: ignore[reportArgumentType]


def _logarithms(probabilities: np.ndarray) -> np.ndarray:
    return np.log(np.maximum(probabilities.astype(np.float64), LEAST))


def _softmax(logs: np.ndarray, b: float) -> np.ndarray:
    powers = np.exp(b * (logs - logs.max(1, keepdims=True)))
    return powers / powers.sum(1, keepdims=True)
