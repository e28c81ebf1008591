"""L2: many small weights rather than few large ones (ridge regression, Hoerl and Kennard 1970)."""

from torch import Tensor

from ravine.regularization.checks import check_strength
from ravine.regularization.penalty import Penalty, applied, coefficient


def l2(strength: float | Tensor = 5e-4, mask: Tensor | None = None) -> Penalty:
    """A penalty on the squared length of the weights.

        value     strength / 2 |w|^2
        gradient  strength w

    With the half, `strength` is the `weight_decay` of `torch.optim.SGD` and `Adam`, which add the same to the gradient.

    Not the same as decoupled decay (`AdamW`, and `decay` of ravine's rules), which shrinks the weights beside the rule:
    `w <- w - lr (direction + decay w)`. The two coincide for plain SGD, with equal strength and decay. With momentum
    they part ways (the penalty is averaged with the gradients before), and a rule that divides by the size of past
    gradients (Adam, RMSProp, AdaGrad) divides the penalty too: it then shrinks all weights by about the same amount,
    however large they are, and hardly those with large gradients. With such rules take decay (Loshchilov and Hutter
    2019).

    Args:
        strength: 0 or more; a number, or a column `[K, 1]` with one for each member.
        mask: `[P]`, 1 where weights are penalized and 0 where not (see `weights_only`); all where None.

    Raises:
        UsageError: a strength that cannot be.
    """
    s = coefficient(check_strength("l2", "strength", strength), mask)

    def penalty(weights: Tensor, grads: Tensor) -> Tensor:
        # d/dw (s / 2 w^2) = s w
        return applied(lambda w, s: w * s, s, weights, grads) / 2

    return penalty
