"""The linear probe: how well one linear layer tells the classes apart by frozen features (Alain and Bengio, 2016).

    z    = (x - mean) / std                                                by the training rows
    L(W, b) = mean cross-entropy(z W^T + b, y) + l2 / 2 |W|^2              convex: one minimum, found by L-BFGS

Nothing is tuned by hand, so that probes of different blocks or networks can be compared.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch.nn import functional as F

from ravine.errors import UsageError

STRENGTHS = tuple(10 ** (-k / 2) for k in range(11))  # 1 to 1e-5; scikit-learn's C is 1 / (l2 N)


@dataclass(frozen=True)
class Strength:
    """One l2 that was tried: its score on the choosing rows, and how far from the minimum the fit is.

    Attributes:
        l2: the strength.
        accuracy, loss: on the choosing rows; the loss is the mean cross-entropy.
        gradient: the largest element of the gradient where the search stopped.
        steps: iterations of L-BFGS.
        converged: whether the gradient is as small as asked for.
    """

    l2: float
    accuracy: float
    loss: float
    gradient: float
    steps: int
    converged: bool


@dataclass(frozen=True)
class LinearProbe:
    """A fitted probe.

    Attributes:
        weight, bias: float64 `[classes, F]` and `[classes]`, for features as they are: the standardising is inside.
        chosen: the strength that was best on the choosing rows.
        path: all that were tried, strongest first.
    """

    weight: torch.Tensor
    bias: torch.Tensor
    chosen: Strength
    path: tuple[Strength, ...]

    def logits(self, x: torch.Tensor) -> torch.Tensor:
        """float64 `[N, classes]` for features `[N, F]`."""
        return x.to("cpu", torch.float64) @ self.weight.T + self.bias

    def predict(self, x: torch.Tensor) -> torch.Tensor:
        """int64 `[N]` for features `[N, F]`."""
        return self.logits(x).argmax(1)


def linear_probe(
    x: torch.Tensor,
    y: torch.Tensor,
    x_val: torch.Tensor,
    y_val: torch.Tensor,
    classes: int,
    *,
    strengths: Sequence[float] = STRENGTHS,
    tolerance: float = 1e-5,
    most_steps: int = 1000,
) -> LinearProbe:
    """Multinomial logistic regression on standardised features, in float64 on the CPU.

    The strengths are tried from the strongest to the weakest, each from where the one before ended. The one with the
    best accuracy on `x_val` is taken; of equal ones that with the lower loss there. It is not fitted again on both.

    Args:
        x, y: features `[N, F]` and int64 labels `[N]` that it is fitted on; no row, scale or order of the features
            changes the outcome, since each is standardised.
        x_val, y_val: other rows, which choose the strength. Judge the probe on a third set.
        classes: how many there are; some may be missing in `y`.
        strengths: of the penalty, above 0, for the mean loss.
        tolerance: the largest element of the gradient at which a fit counts as converged.
        most_steps: iterations a strength; a fit that needs more says so in its `converged`.

    Raises:
        UsageError: no rows, lengths or widths that differ, labels outside of the classes, features that are not finite,
            or no strengths above 0.
    """
    check_rows(x, y, x_val, y_val, classes, "linear_probe")
    order = sorted(strengths, reverse=True)
    if not order or not 0 < order[-1] <= order[0] < float("inf"):
        raise UsageError(f"strengths {list(strengths)}", where="linear_probe", expected="one or more, above 0")
    z = x.to("cpu", torch.float64)
    mean, std = z.mean(0), z.std(0, correction=0)
    std = torch.where(std > 1e-12 * (1 + mean.abs()), std, 1.0)  # a feature that never changes becomes 0
    z = torch.cat([(z - mean) / std, torch.ones(len(z), 1, dtype=torch.float64)], 1)
    targets = F.one_hot(y.cpu(), classes).double()
    path: list[Strength] = []
    fits: list[tuple[torch.Tensor, torch.Tensor]] = []
    start = np.zeros(classes * z.shape[1])
    for l2 in order:
        start, gradient, steps = _minimum(z, targets, l2, start, tolerance, most_steps)
        fitted = torch.from_numpy(start).view(classes, -1)
        weight = fitted[:, :-1] / std
        bias = fitted[:, -1] - weight @ mean
        logits = x_val.to("cpu", torch.float64) @ weight.T + bias
        accuracy = (logits.argmax(1) == y_val.cpu()).double().mean()
        loss = F.cross_entropy(logits, y_val.cpu())
        path.append(Strength(l2, float(accuracy), float(loss), gradient, steps, gradient <= tolerance))
        fits.append((weight, bias))
    best = max(range(len(path)), key=lambda i: (path[i].accuracy, -path[i].loss))
    weight, bias = fits[best]
    return LinearProbe(weight, bias, path[best], tuple(path))


def check_rows(
    x: torch.Tensor, y: torch.Tensor, x_val: torch.Tensor, y_val: torch.Tensor, classes: int, where: str
) -> None:
    """Raises UsageError where these are not features `[N, F]` and labels `[N]` of one kind, N above 0 in both."""
    for name, rows, labels in (("x", x, y), ("x_val", x_val, y_val)):
        if rows.dim() != 2 or rows.shape[1] != x.shape[1] or labels.shape != (len(rows),) or not len(rows):
            found = f"{name} of shape {list(rows.shape)}, labels of shape {list(labels.shape)}"
            raise UsageError(found, where=where, expected="features [N, F] of one width and labels [N], N above 0")
        if labels.dtype != torch.int64 or int(labels.min()) < 0 or int(labels.max()) >= classes:
            raise UsageError(f"labels of {name}", where=where, expected=f"int64 from 0 to {classes - 1}")
        if not rows.isfinite().all():
            raise UsageError(f"NaN or infinity in {name}", where=where, expected="finite features")


def _minimum(
    z: torch.Tensor, targets: torch.Tensor, l2: float, start: np.ndarray, tolerance: float, most_steps: int
) -> tuple[np.ndarray, float, int]:
    """Where L is least, `[classes * (F + 1)]` with the bias last in each row; the largest gradient there; the steps."""
    from scipy.optimize import minimize

    classes, n = targets.shape[1], len(z)

    def loss_and_gradient(flat: np.ndarray) -> tuple[float, np.ndarray]:
        w = torch.from_numpy(flat).view(classes, -1)
        logits = z @ w.T
        log_sum = logits.logsumexp(1, keepdim=True)
        penalized = torch.cat([w[:, :-1], torch.zeros(classes, 1, dtype=w.dtype)], 1)  # the bias is free
        loss = (log_sum.squeeze(1) - (logits * targets).sum(1)).mean() + l2 / 2 * penalized.square().sum()
        # dL/dW = (softmax(logits) - targets)^T z / N + l2 W
        gradient = ((logits - log_sum).exp() - targets).T @ z / n + l2 * penalized
        return float(loss), gradient.numpy().ravel()

    options = {"gtol": tolerance, "ftol": 0.0, "maxiter": most_steps, "maxfun": 10 * most_steps, "maxcor": 20}
    found = minimize(loss_and_gradient, start, jac=True, method="L-BFGS-B", options=options)
    return found.x, float(np.abs(found.jac).max()), int(found.nit)
