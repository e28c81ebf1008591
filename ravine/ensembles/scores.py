"""How good probabilities are: log loss and Brier score, which honest probabilities alone make smallest."""

import numpy as np

LEAST = float(np.finfo(np.float32).tiny)  # a probability below it counts as it, so that no answer costs infinitely much


def log_losses(probabilities: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """What each answer costs, -log p(right class), in nats.

    Args:
        probabilities: `[..., N, classes]`.
        labels: int64 `[N]`.

    Returns:
        float64 `[..., N]`, from 0 to 87.3 (a probability below 1.2e-38 counts as that).
    """
    right = np.take_along_axis(probabilities, labels.reshape(*[1] * (probabilities.ndim - 2), -1, 1), axis=-1)[..., 0]
    return -np.log(np.maximum(right.astype(np.float64), LEAST)) + 0.0


def brier(probabilities: np.ndarray, labels: np.ndarray) -> float:
    """The squared distance between answer and truth (Brier, 1950), summed over all classes: 0 to 2.

        mean_n sum_c (p_nc - [c = y_n])^2 = mean_n (sum_c p_nc^2 - 2 p_n,y + 1)

    Args:
        probabilities: `[N, classes]`.
        labels: int64 `[N]`.
    """
    p = probabilities.astype(np.float64)
    return float((np.square(p).sum(1) - 2 * p[np.arange(len(labels)), labels] + 1).mean())
