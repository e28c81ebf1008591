"""Where each output pixel comes from: what geometric parts give, and what the pipeline composes."""

import torch

from ravine.errors import UsageError


def identity(u: torch.Tensor, height: int, width: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Every pixel from its own place: rows `[B, H]`, columns `[B, W]` for draws `[B, n]`."""
    rows = torch.arange(height, device=u.device).expand(len(u), height)
    columns = torch.arange(width, device=u.device).expand(len(u), width)
    return rows, columns


def check_probability(where: str, p: float) -> float:
    """`p`, if it is a number from 0 to 1. Raises UsageError otherwise."""
    if isinstance(p, bool) or not isinstance(p, int | float) or not 0 <= p <= 1:
        raise UsageError(f"p cannot be {p!r}", where=where, expected="a number from 0 to 1")
    return p
