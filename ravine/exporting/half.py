"""Weights of 16 bits: half the file, and answers that differ in the third digit or so."""

import torch

from ravine.errors import UsageError


def half(tensor: torch.Tensor, name: str = "weights") -> torch.Tensor:
    """A weight matrix or convolution (2 dimensions or more) as float16; biases, norms and statistics stay as they are.

    These are few, and a variance may lie outside what float16 can say (6e-8 to 65,504).

    Raises:
        UsageError: a weight that float16 cannot hold.
    """
    if tensor.dim() < 2 or tensor.dtype != torch.float32:
        return tensor
    halved = tensor.half()
    if not halved.isfinite().all():
        raise UsageError(f"{name} has weights beyond 65,504", where="--half", cure="Export it without --half")
    return halved
