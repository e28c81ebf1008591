"""The settings of rules: one name, one range, wherever it occurs."""

import inspect
import math
from typing import Any

import torch

from ravine.errors import UsageError, did_you_mean

_BELOW_1 = math.nextafter(1.0, 0.0)
_FINITE = math.nextafter(math.inf, 0.0)
# (lowest, highest allowed, in words)
_RANGES = {
    "lr": (0.0, _FINITE, "a finite number, 0 or more"),
    "rho": (0.0, 1.0, "a number from 0 to 1"),
    "beta": (0.0, _BELOW_1, "a number from 0 to below 1"),
    "beta1": (0.0, _BELOW_1, "a number from 0 to below 1"),
    "beta2": (0.0, _BELOW_1, "a number from 0 to below 1"),
    "eps": (math.nextafter(0.0, 1.0), _FINITE, "a number above 0"),
    "decay": (0.0, _FINITE, "a number 0 or more"),
    "psi": (0.0, _FINITE, "a number 0 or more"),
    "iterations": (1, 100, "a whole number from 1 to 100"),
}

# What torch calls a setting -> what it is here
_TORCHS = {
    "weight_decay": "decay, which is decoupled",
    "momentum": "rho",
    "betas": "beta1 and beta2",
    "alpha": "beta",
    "momentum_decay": "psi",
    "ns_steps": "iterations",
    "adjust_lr_fn": "scale",
    "maximize": "a loss of the opposite sign",
    "amsgrad": "another rule: there is no amsgrad",
    "dampening": "rho alone: there is no dampening",
}


def refuse_foreign(rule: type, group: dict[str, Any]) -> None:
    """Raises UsageError where a group has torch's name for a setting, which would do nothing, not a word said."""
    for name in group.keys() & _TORCHS.keys():
        where = f"{rule.__name__.lower()}, a group of parameters"
        raise UsageError(f"{name} is not a setting", where=where, expected=_TORCHS[name])


def checked(rule: type, settings: dict[str, Any]) -> dict[str, Any]:
    """The settings, if each is one that `rule` can have. Raises UsageError with name, range and value otherwise."""
    where = rule.__name__.lower()
    for name, value in settings.items():
        if name in _RANGES:
            _check_range(where, name, value)
        elif name in getattr(rule, "choices", {}):
            if value not in rule.choices[name]:  # pyright: ignore[reportAttributeAccessIssue]
                cure = did_you_mean(str(value), rule.choices[name])  # pyright: ignore[reportAttributeAccessIssue]
                raise UsageError(f"{name} cannot be {value!r}", where=where, cure=cure)
        elif isinstance(_default(rule, name), bool) and not isinstance(value, bool):
            raise UsageError(f"{name} cannot be {value!r}", where=where, expected="true or false")
    return settings


def _check_range(where: str, name: str, value: Any) -> None:
    low, high, words = _RANGES[name]
    kinds = int if words.startswith("a whole") else int | float | torch.Tensor
    number = isinstance(value, kinds) and not isinstance(value, bool)
    if not number:
        raise UsageError(f"{name} cannot be {value!r}", where=where, expected=words)
    held = torch.as_tensor(value)
    bad = held[~((held >= low) & (held <= high))]
    if len(bad):
        one = bad[0].item() if isinstance(value, torch.Tensor) else value  # of a column the one that cannot be
        raise UsageError(f"{name} cannot be {one!r}", where=where, expected=words)


def _default(rule: type, name: str) -> Any:
    parameter = inspect.signature(rule).parameters.get(name)
    return parameter.default if parameter else None
