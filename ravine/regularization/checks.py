"""The chapter's refusals of settings that cannot be."""

import math
from typing import Any

import torch

from ravine.errors import UsageError

BELOW_1 = math.nextafter(1.0, 0.0)


def check_number(piece: str, name: str, value: Any, low: float, high: float, words: str) -> float:
    """`value`, where it is a number in [low, high]; UsageError otherwise (True is no number, nor is NaN)."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= high:
        raise UsageError(f"{name} cannot be {value!r}", where=piece, expected=words)
    return value


def check_share(piece: str, p: Any) -> float:
    """`p`, where it is a share that leaves something: from 0 to below 1; UsageError otherwise."""
    return check_number(piece, "p", p, 0.0, BELOW_1, "a number from 0 to below 1")


def check_strength(piece: str, name: str, value: Any) -> float | torch.Tensor:
    """`value`, where it is a finite number, 0 or more, or a column `[K, 1]` of such; UsageError otherwise."""
    if not isinstance(value, torch.Tensor):
        return check_number(piece, name, value, 0.0, math.nextafter(math.inf, 0.0), "a number, 0 or more")
    if value.dim() != 2 or value.shape[1] != 1:
        found = f"{name} cannot be of shape {tuple(value.shape)}"
        raise UsageError(found, where=piece, expected="a column [K, 1] of numbers, 0 or more")
    for one in value.flatten().tolist():
        check_number(piece, name, one, 0.0, math.nextafter(math.inf, 0.0), "a number, 0 or more")
    return value
