"""Centered kernel alignment: how alike two sets of features of the same images are, whatever their widths.

Kornblith et al., "Similarity of neural network representations revisited", 2019; the estimator of HSIC that is right on
average for few images, too, is from Song et al., 2012, and for CKA from Nguyen, Raghu and Kornblith, 2020 (appendix A).
"""

import torch

from ravine.errors import UsageError


def cka(x: torch.Tensor, y: torch.Tensor) -> float:
    """Linear CKA: 1 for equal features, also where they are rotated, mirrored, moved or scaled; 0 for unrelated ones.

        CKA = HSIC(K, L) / sqrt(HSIC(K, K) HSIC(L, L)),   K = X X^T, L = Y Y^T, both with diagonals of 0

        HSIC(K, L) = (tr(K L) + (1'K1)(1'L1) / ((N - 1)(N - 2)) - 2 / (N - 2) 1'K L1) / (N (N - 3))

    The biased form, which keeps the diagonals, calls unrelated features alike where images are few and features many:
    two sets of 512 random numbers for 100 images have a CKA of 0.84 by it, and of about 0 by this one. So a value can
    also be a little below 0 or above 1.

    Args:
        x, y: features `[N, F1]` and `[N, F2]` of the same N images, 4 or more.

    Returns:
        NaN where the features of one side do not vary enough for a similarity to mean anything.

    Raises:
        UsageError: other shapes, fewer than 4 images, or features that are not finite.

    Example:
        >>> x = torch.tensor([[0.0, 1.0], [2.0, 0.0], [1.0, 5.0], [4.0, 4.0], [3.0, 1.0]])
        >>> round(cka(x, 3 * x.flip(1) + 1), 6)
        1.0
    """
    for name, rows in (("x", x), ("y", y)):
        if rows.dim() != 2 or len(rows) != len(x) or len(rows) < 4 or not rows.isfinite().all():
            found = f"{name} of shape {list(rows.shape)}" + ("" if rows.isfinite().all() else ", not all finite")
            raise UsageError(found, where="cka", expected="finite [N, F1] and [N, F2] of the same 4 or more images")
    # moving the features leaves this HSIC as it is, and centred ones keep more digits
    x, y = (_centred(rows.double()) for rows in (x, y))
    of_x, of_y = float(_hsic(x, x)), float(_hsic(y, y))
    return float(_hsic(x, y)) / (of_x * of_y) ** 0.5 if min(of_x, of_y) > 0 else float("nan")


def _centred(rows: torch.Tensor) -> torch.Tensor:
    """With the mean at 0, and scaled to a norm of 1; all 0 where nothing but rounding is left."""
    centred = rows - rows.mean(0)
    norm = centred.norm()
    return centred / norm if norm > 1e-10 * rows.norm() else torch.zeros_like(rows)


def _hsic(x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    """The unbiased HSIC of the linear kernels, by the cheaper of two ways to the same number."""
    n, widths = len(x), (x.shape[1], y.shape[1])
    k_ii, l_ii = x.square().sum(1), y.square().sum(1)
    if widths[0] * widths[1] <= n * sum(widths):
        # with the diagonals left in, tr(K L) = |X'Y|^2; they are subtracted
        trace = (x.T @ y).square().sum() - k_ii @ l_ii
        k_1, l_1 = x @ x.sum(0) - k_ii, y @ y.sum(0) - l_ii  # K 1, L 1
    else:
        k, l = (rows @ rows.T for rows in (x, y))  # noqa: E741, the paper's letter
        k, l = (kernel.fill_diagonal_(0.0) for kernel in (k, l))  # noqa: E741
        trace, k_1, l_1 = (k * l).sum(), k.sum(1), l.sum(1)
    across = k_1.sum() * l_1.sum() / ((n - 1) * (n - 2)) - 2 / (n - 2) * (k_1 @ l_1)
    return (trace + across) / (n * (n - 3))
