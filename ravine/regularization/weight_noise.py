"""Weight noise: the gradient is taken beside the weights, so that minima that a nudge would leave are left.

An, "The Effects of Adding Noise During Backpropagation Training on a Generalization Performance", Neural Computation
1996.
"""

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import torch
from torch import Tensor

from ravine.regularization.checks import check_number


@contextmanager
@torch.no_grad()
def weight_noise(
    weights: Sequence[Tensor],
    sigma: float = 0.01,
    mask: Tensor | None = None,
    generators: Sequence[torch.Generator] | None = None,
) -> Iterator[None]:
    """Inside the block the weights are noisy; after it they are as before, bit by bit.

        w + sigma e,    e ~ N(0, 1), each weight its own

        with weight_noise([w for w in model.parameters() if w.dim() > 1], 0.01):
            criterion(model(x), y).backward()      # backward too belongs inside: it uses the weights
        optimizer.step()

    Args:
        weights: parameters, or rows `[P]` of a population's matrix.
        sigma: standard deviation, 0 or more, in the units of the weights (He initialisation: sqrt(2 / fan_in)).
        mask: multiplies the noise of each tensor, such as `weights_only`; none where None.
        generators: one for each tensor; torch's global one where None.

    Raises:
        UsageError: sigma out of range.
    """
    check_sigma(sigma)
    kept = [w.clone() for w in weights]
    for w, generator in zip(weights, generators or [None] * len(weights), strict=True):
        e = torch.empty_like(w).normal_(0, 1, generator=generator)
        w.add_(e if mask is None else e.mul_(mask), alpha=sigma)
    try:
        with torch.enable_grad():
            yield
    finally:
        for w, before in zip(weights, kept, strict=True):
            w.copy_(before)


def check_sigma(sigma: float) -> float:
    """`sigma`, where it is a number, 0 or more; UsageError otherwise."""
    return check_number("weight_noise", "sigma", sigma, 0.0, math.nextafter(math.inf, 0.0), "a number, 0 or more")
