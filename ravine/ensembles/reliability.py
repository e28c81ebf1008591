"""Whether a network that says 80% is right four times in five."""

from dataclasses import dataclass

import numpy as np

BINS = 15


@dataclass(frozen=True)
class Reliability:
    """Answers sorted into equal bins of confidence, the probability of the likeliest class.

    Attributes:
        count: int64 `[bins]`, answers in each.
        confidence, accuracy: `[bins]`, means of each; NaN where a bin is empty.
    """

    count: np.ndarray
    confidence: np.ndarray
    accuracy: np.ndarray

    @property
    def ece(self) -> float:
        """Expected calibration error (Naeini et al., 2015), 0 to 1: sum over bins of share * |accuracy - confidence|.

        It grows with the number of bins and never is 0 on few examples, even of perfect probabilities.
        """
        gaps = np.abs(self.accuracy - self.confidence)
        return float((np.where(self.count > 0, gaps, 0.0) * self.count).sum() / max(1, self.count.sum()))


def reliability(probabilities: np.ndarray, labels: np.ndarray, bins: int = BINS) -> Reliability:
    """Bins `probabilities` `[N, classes]` by confidence; bin b holds confidences in [b / bins, (b + 1) / bins)."""
    return binned(probabilities.max(1), probabilities.argmax(1) == labels, bins)


def binned(confidence: np.ndarray, right: np.ndarray, bins: int = BINS) -> Reliability:
    """As `reliability`, from the confidence `[N]` of each answer and whether it is right, bool `[N]`."""
    confidence = confidence.astype(np.float64)
    of = np.clip((confidence * bins).astype(np.int64), 0, bins - 1)
    count = np.bincount(of, minlength=bins)

    def mean(values: np.ndarray) -> np.ndarray:
        sums = np.bincount(of, values, minlength=bins)
        return np.divide(sums, count, out=np.full(bins, np.nan), where=count > 0)

    return Reliability(count, mean(confidence), mean(right.astype(np.float64)))
