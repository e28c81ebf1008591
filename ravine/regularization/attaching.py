"""Noise put into a network that is built already: before a layer, after it, on its weights.

No parameter changes its name or its place, so that weights files fit with and without it, and equal seeds give equal
initial weights. The noise becomes a child of its layer: `model.train()` reaches it and `print(model)` shows it; copies
of the model, `torch.func` and `torch.compile` work as before.
"""

from types import MethodType
from typing import Any

from torch import Tensor, nn

from ravine.errors import UsageError
from ravine.regularization.noise import Noise

_BEFORE, _ON_WEIGHT, _AFTER = "noise_before", "noise_on_weight", "noise_after"


def before(layer: nn.Module, noise: Noise) -> None:
    """From now on what enters `layer` passes through `noise` first. Several act in the order in which they came.

    Raises:
        UsageError: an `nn.Sequential`, which runs all its children in order.
    """
    if type(layer).forward is nn.Sequential.forward:
        raise UsageError("Sequential runs its children in order", where="before", cure="Take its first layer.")
    _adopt(layer, noise, _BEFORE)


def after(layer: nn.Module, noise: Noise) -> None:
    """From now on what leaves `layer` passes through `noise` last. Several act in the order in which they came."""
    if type(layer).forward is nn.Sequential.forward:
        layer.append(noise.train(layer.training))  # pyright: ignore[reportCallIssue]
    else:
        _adopt(layer, noise, _AFTER)


def on_weight(layer: nn.Module, noise: Noise) -> None:
    """From now on the `weight` of `layer` passes through `noise` in each forward pass.

    Raises:
        UsageError: a layer without a weight.
    """
    if not isinstance(getattr(layer, "weight", None), Tensor):
        raise UsageError(f"{type(layer).__name__} has no weight", where="on_weight", expected="a layer that has one")
    _adopt(layer, noise, _ON_WEIGHT)


def _adopt(layer: nn.Module, noise: Noise, place: str) -> None:
    if not hasattr(layer, place):
        layer.add_module(place, nn.Sequential())
    getattr(layer, place).append(noise)
    getattr(layer, place).train(layer.training)
    # Not hooks, which torch.compile does not guard: it would take a network without them for the same code. And not
    # torch's parametrize, which renames the weight.
    layer.forward = MethodType(_forward, layer)


def _forward(layer: nn.Module, x: Tensor, *others: Any, **named: Any) -> Any:
    if hasattr(layer, _BEFORE):
        x = getattr(layer, _BEFORE)(x)
    if hasattr(layer, _ON_WEIGHT):
        out = _with_noisy_weight(layer, x, *others, **named)
    else:
        out = type(layer).forward(layer, x, *others, **named)
    return getattr(layer, _AFTER)(out) if hasattr(layer, _AFTER) else out


def _with_noisy_weight(layer: nn.Module, *inputs: Any, **named: Any) -> Any:
    weight = layer._parameters["weight"]
    layer._parameters["weight"] = getattr(layer, _ON_WEIGHT)(weight)
    try:
        return type(layer).forward(layer, *inputs, **named)
    finally:
        layer._parameters["weight"] = weight
