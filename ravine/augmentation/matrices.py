"""Matrices of a batch: identities with a few entries set, and products."""

from collections.abc import Sequence

import torch


def identity(u: torch.Tensor, size: int = 3) -> torch.Tensor:
    """`[B, size, size]` float32, on the device of the draws `[B, n]`."""
    return torch.eye(size, device=u.device).repeat(len(u), 1, 1)


def product(matrices: Sequence[torch.Tensor]) -> torch.Tensor:
    """`A1 A2 ... An`, each `[B, 3, 3]`: what shows out[p] = in[A1 A2 ... An p] when part 1 is done first.

    Part 2 reads what part 1 has made: out2[p] = out1[A2 p] and out1[q] = in[A1 q].
    """
    whole = matrices[0]
    for matrix in matrices[1:]:
        whole = torch.bmm(whole, matrix)
    return whole


def symmetric(u: torch.Tensor, most: float) -> torch.Tensor:
    """From [0, 1) to [-most, most)."""
    return (2 * u - 1) * most
