"""Units that say nothing: after their activation they give one and the same number for every image.

    dead = max over images and places - min over images and places  <=  1e-6 of the largest

A ReLU that is 0 for all images has no gradient, so it never comes back; a sigmoid that is 1 for all of them has next to
none. Batch norm makes both rare, a rate that is too high makes them common. (Lu et al. 2020, "Dying ReLU and
Initialization", arXiv:1903.06733)
"""

from collections.abc import Collection
from typing import Any

import torch
from torch import nn
from torch.overrides import TorchFunctionMode

_ACTIVATIONS = {"relu", "relu6", "leaky_relu", "prelu", "rrelu", "elu", "selu", "celu", "gelu", "silu", "mish"}
_ACTIVATIONS |= {"sigmoid", "tanh", "hardtanh", "hardsigmoid", "hardswish", "softplus", "softsign", "logsigmoid"}
_SAME = 1e-6  # float32 holds 7 digits


def dead_units(model: nn.Module, x: torch.Tensor, skip: Collection[str] = ()) -> float:
    """The share of units that are constant over a batch, 0 to 1; NaN where the network calls no activation.

    A unit is a channel after a convolution, a feature after a linear layer. Activations are found as they are called,
    be they modules or functions. Take 100 images or more: a unit for a rare thing is not dead.

    Args:
        model: in eval mode; it is run once, without gradients.
        x: float32 `[B, ...]`.
        skip: dotted names of modules that do not count, with all that is in them (frozen ones, say).
    """
    found = _Constants()
    pauses = [model.get_submodule(name) for name in skip]
    hooks = [module.register_forward_pre_hook(found.pause) for module in pauses]
    hooks += [module.register_forward_hook(found.go_on) for module in pauses]
    try:
        with torch.no_grad(), found:
            model.forward(x)  # not model(x), which may be compiled
    finally:
        for hook in hooks:
            hook.remove()
    return float(torch.cat(found.constant).double().mean()) if found.constant else float("nan")


class _Constants(TorchFunctionMode):
    """Inside the block: which units of each activation that is called are constant, bool `[units]` each."""

    def __init__(self):
        super().__init__()
        self.constant: list[torch.Tensor] = []
        self._paused = 0

    def pause(self, *_: Any) -> None:
        self._paused += 1

    def go_on(self, *_: Any) -> None:
        self._paused -= 1

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        out = func(*args, **(kwargs or {}))
        if not self._paused and getattr(func, "__name__", "").rstrip("_") in _ACTIVATIONS and out.dim() > 1:
            self.constant.append(_constant(out))
        return out


def _constant(given: torch.Tensor) -> torch.Tensor:
    """For activations `[B, units]`, `[B, units, H, W]` or `[B, tokens, units]` whether each unit is constant."""
    units = given.dim() - 1 if given.dim() == 3 else 1
    others = [axis for axis in range(given.dim()) if axis != units]
    low, high = given.amin(others), given.amax(others)
    return high - low <= _SAME * torch.maximum(high.abs(), low.abs()).clamp(min=1.0)
