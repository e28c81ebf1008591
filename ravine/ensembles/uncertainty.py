"""How unsure an answer is, and whether the image or the network is to blame."""

from dataclasses import dataclass

import numpy as np

from ravine.ensembles.vote import vote
from ravine.errors import UsageError


@dataclass(frozen=True)
class Uncertainty:
    """What S samples (members, or dropout masks) of N answers tell, in nats.

    Attributes:
        mean: `[N, classes]`, the samples' averaged probabilities.
        entropy: `[N]`, of the mean, from 0 (sure) to log(classes): all that is unsure.
        expected_entropy: `[N]`, the samples' mean entropy, 0 to `entropy`: what is unsure in each sample by itself,
            because the image could be either (aleatoric).
        mutual_information: `[N]`, the rest, 0 to log(min(S, classes)): what the samples disagree about, because the
            network has not learned it (epistemic).
    """

    mean: np.ndarray
    entropy: np.ndarray
    expected_entropy: np.ndarray
    mutual_information: np.ndarray


def uncertainty(probabilities: np.ndarray, weights: np.ndarray | None = None) -> Uncertainty:
    """Parts the uncertainty of averaged answers in two.

        H[mean_s p_s]  =  mean_s H[p_s]  +  I,    H[p] = -sum_c p_c log p_c
        entropy           expected          mutual information

    I is the information that an answer would give about which sample is right (BALD; Houlsby et al. 2011, Gal &
    Ghahramani 2016); it is 0 where all samples agree. Samples may be dropout masks (`mc_dropout`) or independently
    trained members (deep ensembles; Lakshminarayanan et al. 2017).

    Args:
        probabilities: `[S, N, classes]`, each row summing to 1.
        weights: of the samples, `[S]`, as of `vote`; with them the means are weighted ones.

    Raises:
        UsageError: another shape, no samples, rows that are no probabilities, or weights that cannot be.
    """
    p = np.asarray(probabilities, np.float64)
    if p.ndim != 3 or not p.shape[0] or not p.shape[2]:
        raise UsageError(f"shape {p.shape}", where="uncertainty", expected="[samples, N, classes], samples at least 1")
    if p.size and not ((p >= 0).all() and np.abs(p.sum(2) - 1).max() < 1e-3):
        raise UsageError("no probabilities", where="uncertainty", expected="rows of 0 or more that sum to 1")
    mean = vote(p, weights)
    entropy, expected = _entropy(mean), vote(_entropy(p)[:, :, None], weights)[:, 0]
    # never below 0 but by rounding, since entropy is concave (Jensen)
    return Uncertainty(mean, entropy, expected, np.maximum(entropy - expected, 0.0))


def _entropy(p: np.ndarray) -> np.ndarray:
    return -np.sum(p * np.log(np.where(p > 0, p, 1.0)), axis=-1) + 0.0  # 0 log 0 is 0
