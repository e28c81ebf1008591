"""L2-SP: small changes of pretrained weights rather than small weights.

Li, Grandvalet and Davoine, "Explicit Inductive Bias for Transfer Learning with Convolutional Networks", 2018.
"""

from torch import Tensor

from ravine.errors import UsageError
from ravine.regularization.checks import check_strength
from ravine.regularization.l2 import l2
from ravine.regularization.penalty import Penalty


def l2_sp(strength: float | Tensor = 0.01, *, start: Tensor, mask: Tensor | None = None) -> Penalty:
    """A penalty on the squared distance to the starting point w0, which is L2 seen from there.

        value     strength / 2 |w - w0|^2
        gradient  strength (w - w0)

    L2 forgets: it pulls what was learned before toward 0. A weight without a past, such as those of a new head, has
    w0 = 0, which makes it plain L2. (The paper gives those a strength of their own; `mask` can weigh them.)

    For a module in a loop of one's own, `penalize(model, l2(0.01), start=start)` is the same.

    Args:
        strength: 0 or more; a number, or a column `[K, 1]` with one for each member.
        start: w0, `[P]` or `[K, P]`; 0 where weights have no start.
        mask: `[P]`, what each weight's strength is multiplied by (see `weights_only`); all by 1 where None.

    Raises:
        UsageError: a strength or a start that cannot be; when called, a start for other weights.
    """
    squared = l2(check_strength("l2_sp", "strength", strength), mask)
    if not isinstance(start, Tensor) or start.dim() not in (1, 2):
        found = f"of shape {tuple(start.shape)}" if isinstance(start, Tensor) else repr(start)
        raise UsageError(f"start cannot be {found}", where="l2_sp", expected="a tensor [P] or [K, P]")

    def penalty(weights: Tensor, grads: Tensor) -> Tensor:
        if start.shape not in (weights.shape, weights.shape[1:]):
            found = f"start is {list(start.shape)}, the weights are {list(weights.shape)}"
            raise UsageError(found, where="l2_sp", expected="as many columns, and rows if any")
        if start.data_ptr() == weights.data_ptr():
            raise UsageError("start is the weights themselves", where="l2_sp", expected="a copy of them")
        # d/dw (s / 2 (w - w0)^2) = s (w - w0)
        return squared(weights - start.to(weights), grads)

    return penalty
