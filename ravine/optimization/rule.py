"""What all update rules share: the one loop that descends, and the check of settings.

    w <- w - lr * direction(g, state, group)

A rule is a file with its `direction` under its formula. The same class serves two callers: anybody's loop, as a
`torch.optim.Optimizer` over parameters; and a population, as a `Stepper` over one matrix `[K, P]`.
"""

import inspect
import math
from collections.abc import Callable, Iterable
from typing import Any

import torch

from ravine.errors import UsageError

# The same setting has the same name, and the same range, in every rule: (lowest, highest allowed, in words)
_RANGES = {
    "lr": (0.0, math.inf, "0 or more"),
    "rho": (0.0, 1.0, "from 0 to 1"),
    "beta1": (0.0, math.nextafter(1.0, 0.0), "from 0 to below 1"),
    "beta2": (0.0, math.nextafter(1.0, 0.0), "from 0 to below 1"),
    "eps": (math.nextafter(0.0, 1.0), math.inf, "above 0"),
    "decay": (0.0, math.inf, "0 or more"),
}


class Rule(torch.optim.Optimizer):
    """Base of the update rules: a drop-in `torch.optim.Optimizer`.

    A rule defines `__init__` (its settings with their defaults) and the static method `direction(g, state, group)`,
    which returns what `lr` multiplies. `g` has the shape of the weight, `state` is this weight's own dictionary,
    `group` holds the settings. Settings may be numbers, or tensors that broadcast against the weight, such as `[K, 1]`
    columns.

    Raises:
        UsageError: a setting out of its range, a sparse or a complex gradient.
    """

    direction: Callable[[torch.Tensor, dict[str, Any], dict[str, Any]], torch.Tensor]

    def __init__(self, params: Iterable[Any], **settings: Any):
        super().__init__(params, checked(type(self), settings))

    @torch.no_grad()
    def step(self, closure: Callable[[], Any] | None = None) -> Any:  # pyright: ignore[reportIncompatibleMethodOverride]
        """One update of every parameter that has a gradient; returns the closure's loss, if one was given."""
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        for group in self.param_groups:
            for w in group["params"]:
                if w.grad is not None:
                    self.update(w, w.grad, self.state[w], group)
        return loss

    @classmethod
    def update(cls, w: torch.Tensor, g: torch.Tensor, state: dict[str, Any], group: dict[str, Any]) -> None:
        """Moves `w` in place; `g` stays as it is, since it belongs to the caller."""
        if g.is_sparse or g.is_complex():
            kind = "sparse" if g.is_sparse else "complex"
            raise UsageError(f"{kind} gradients are not supported", where=cls.__name__, expected="dense real gradients")
        w.sub_(group["lr"] * cls.direction(g, state, group))


class Stepper:
    """A rule at work on one matrix, without an `Optimizer` object (the first of which costs a second of imports).

    Args:
        rule: the class of the rule, such as `Adam`.
        **settings: as the rule's own; missing ones take the rule's defaults.
    """

    def __init__(self, rule: type[Rule], **settings: Any):
        bound = inspect.signature(rule).bind(None, **settings)
        bound.apply_defaults()
        self.rule = rule
        self.group = checked(rule, {name: value for name, value in bound.arguments.items() if name != "params"})
        self.state: dict[str, Any] = {}

    @torch.no_grad()
    def step(self, weights: torch.Tensor, grads: torch.Tensor, factor: float) -> None:
        """One update of `weights` `[K, P]` at `factor` times the rate (what the schedule says)."""
        self.rule.update(weights, grads, self.state, {**self.group, "lr": self.group["lr"] * factor})


def checked(rule: type, settings: dict[str, Any]) -> dict[str, Any]:
    """The settings, if each lies in its range. Raises UsageError with name, range and value otherwise."""
    for name, value in settings.items():
        if name not in _RANGES:
            continue
        low, high, words = _RANGES[name]
        number = isinstance(value, int | float | torch.Tensor) and not isinstance(value, bool)
        if not number or not torch.all((torch.as_tensor(value) >= low) & (torch.as_tensor(value) <= high)):
            raise UsageError(f"{name} cannot be {value!r}", where=rule.__name__.lower(), expected=f"a number {words}")
    return settings
