"""L1: few weights that are not 0 (lasso regression).

Tibshirani, "Regression Shrinkage and Selection via the Lasso", 1996; the proximal step (ISTA): Daubechies, Defrise and
De Mol 2004.
"""

import torch
from torch import Tensor

from ravine.errors import UsageError
from ravine.regularization.checks import check_strength
from ravine.regularization.penalty import Penalty, applied, coefficient


def l1(strength: float | Tensor = 1e-5, mask: Tensor | None = None, proximal: bool = False) -> Penalty:
    """A penalty on the sum of absolute weights.

        value     strength |w|_1
        gradient  strength sign(w)        (a subgradient: 0 at 0)

    The pull is the same however small a weight is, so that weights whose data pull less than `strength` go to 0. But
    steps along the gradient only bring them to within lr * strength of 0, where they jump from side to side. For exact
    zeros take `proximal`: then the penalty leaves the gradients alone, and `soft_threshold` after each step does its
    work, which for plain SGD descends the same sum of loss and penalty. (With an adaptive rule the threshold is still
    lr * strength: a decoupled L1, as AdamW's decay is a decoupled L2.)

    Args:
        strength: 0 or more; a number, or a column `[K, 1]` with one for each member.
        mask: `[P]`, 1 where weights are penalized and 0 where not (see `weights_only`); all where None.
        proximal: only measure, and leave the work to `soft_threshold`.

    Raises:
        UsageError: a setting that cannot be.
    """
    if not isinstance(proximal, bool):
        raise UsageError(f"proximal cannot be {proximal!r}", where="l1", expected="true or false")
    s = coefficient(check_strength("l1", "strength", strength), mask)

    def penalty(weights: Tensor, grads: Tensor) -> Tensor:
        # d/dw s |w| = s sign(w)
        return applied(lambda w, s: w.sign().mul_(s), s, weights, None if proximal else grads)

    return penalty


@torch.no_grad()
def soft_threshold(weights: Tensor, threshold: float | Tensor) -> None:
    """Moves each weight by `threshold` towards 0, and to exactly 0 where it is nearer than that; in place.

        w <- sign(w) max(|w| - threshold, 0)

    The proximal step of L1: after a step of plain SGD, with `threshold = lr * strength`.

    Args:
        weights: any shape.
        threshold: 0 or more; a number, or a tensor that broadcasts against the weights.
    """
    t = torch.as_tensor(threshold, dtype=weights.dtype, device=weights.device)
    # the same formula, as w - max(-t, min(t, w)): it needs one copy and gives no -0
    weights.sub_(weights.clamp(-t, t))
