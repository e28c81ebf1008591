"""The elastic net: L1's zeros, with L2's fairness between weights that say the same.

Zou and Hastie, "Regularization and Variable Selection via the Elastic Net", 2005.
"""

from torch import Tensor

from ravine.regularization.checks import check_strength
from ravine.regularization.l1 import l1 as l1_penalty
from ravine.regularization.l2 import l2 as l2_penalty
from ravine.regularization.penalty import Penalty


def elastic(l1: float | Tensor = 1e-5, l2: float | Tensor = 5e-4, mask: Tensor | None = None) -> Penalty:
    """Both penalties at once.

        value     l1 |w|_1 + l2 / 2 |w|^2
        gradient  l1 sign(w) + l2 w

    The paper's lambda_2 is l2 / 2, and its correction by the factor 1 + lambda_2 is left out.

    Args:
        l1, l2: strengths, 0 or more; numbers, or columns `[K, 1]`.
        mask: as of `l2`.

    Raises:
        UsageError: a strength that cannot be.
    """
    absolute = l1_penalty(check_strength("elastic", "l1", l1), mask)
    squared = l2_penalty(check_strength("elastic", "l2", l2), mask)
    return lambda weights, grads: absolute(weights, grads) + squared(weights, grads)
