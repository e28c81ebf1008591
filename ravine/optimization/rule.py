"""What all update rules share: the one loop that descends.

    w <- w - lr (direction(g, state, group) + decay w)

A rule is a file with its `direction` under its formula. The same class serves two callers: anybody's loop, as a
`torch.optim.Optimizer` over parameters; and a population, as a `Stepper` over one matrix `[K, P]`.
"""

from collections.abc import Callable, Iterable
from itertools import groupby
from typing import Any, ClassVar

import torch

from ravine.errors import UsageError
from ravine.optimization.parts import Part, of_parameter
from ravine.optimization.settings import checked, refuse_foreign


class Rule(torch.optim.Optimizer):
    """Base of the update rules: a drop-in `torch.optim.Optimizer`.

    A rule defines `__init__` (its settings with their defaults), the names in `memory`, and the static method
    `direction(g, state, group)`, which returns what `lr` multiplies. `g` is a gradient. `state` holds what the rule
    remembers of this weight, to be changed in place: the step number `t`, counted from 1, and a tensor like `g` for
    each name in `memory`, 0 at first. `group` holds the settings: numbers, or tensors that broadcast against the
    weight, such as `[K, 1]` columns. `decay` needs no line in `direction`: the loop shrinks the weights (decoupled).

    `direction` must treat each element alone (it is given blocks that fit the processor's cache), unless `whole` asks
    for the gradients of whole parameters, as `[K, *shape]`.

    Attributes:
        memory: names of the remembered tensors.
        whole: whether `direction` needs whole parameters.
        choices: the allowed values of settings that are words.
        kernel: torch's own single pass for the formula, `kernel(weights, gradients, states, group)` on lists of
            tensors, 2 to 3 times as fast where they exceed the cache; None where torch has none.
        kernel_decays: whether the kernel itself applies a `decay` that is a number.

    Raises:
        UsageError: a setting out of its range, a sparse or a complex gradient.
    """

    direction: Callable[[torch.Tensor, dict[str, Any], dict[str, Any]], torch.Tensor]
    memory: ClassVar[tuple[str, ...]] = ()
    whole: ClassVar[bool] = False
    choices: ClassVar[dict[str, tuple[str, ...]]] = {}
    kernel: Callable[..., None] | None = None
    kernel_decays: ClassVar[bool] = False

    def __init__(self, params: Iterable[Any], **settings: Any):
        super().__init__(params, checked(type(self), settings))

    def add_param_group(self, param_group: dict[str, Any]) -> None:
        """As torch's; settings of the group are checked, and torch's names for them are refused with ours."""
        group = {name: value for name, value in param_group.items() if name != "params"}
        refuse_foreign(type(self), group)
        checked(type(self), group)
        super().add_param_group(param_group)

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """As torch's. Raises UsageError for the state of another optimizer."""
        missing = [name for name in self.defaults for group in state_dict["param_groups"] if name not in group]
        if missing:
            where = f"{type(self).__name__}.load_state_dict"
            raise UsageError(
                f"the state has no {missing[0]}", where=where, expected="what state_dict of this rule gave"
            )
        super().load_state_dict(state_dict)

    @torch.no_grad()
    def step(self, closure: Callable[[], Any] | None = None) -> Any:  # pyright: ignore[reportIncompatibleMethodOverride]
        """One update of every parameter that has a gradient; returns the closure's loss, if one was given."""
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        for group in self.param_groups:
            weights = [w for w in group["params"] if w.grad is not None]
            self.descend([Part(w, w.grad, self.state[w], group) for w in weights], of_parameter)
        return loss

    @classmethod
    def descend(cls, wholes: Iterable[Part], cut: Callable[[Any, Part], Iterable[Part]]) -> None:
        """Moves the weights of `wholes` in place, part by part; gradients stay as they are: they are the caller's."""
        wholes, fused = list(wholes), []
        for whole in wholes:  # all of them before any weight moves
            if whole.g.is_sparse or whole.g.is_complex():
                kind = "sparse" if whole.g.is_sparse else "complex"
                raise UsageError(f"{kind} gradients are not supported", where=cls.__name__, expected="dense real ones")
        for whole in wholes:
            cls.advance(whole.w, whole.state)
            for part in cut(cls, whole):
                fused.append(part) if part.fused else cls._move(*part)
        for _, parts in groupby(fused, key=_settings):
            cls._sweep(list(parts))

    @classmethod
    def advance(cls, w: torch.Tensor, state: dict[str, Any]) -> None:
        """Once a step, before any part moves: counts the step and makes the memory that is missing."""
        state["t"] = state.get("t", 0) + 1
        state.update({name: torch.zeros_like(w) for name in cls.memory if name not in state})

    @classmethod
    def _move(cls, w: torch.Tensor, g: torch.Tensor, state: dict[str, Any], group: dict[str, Any], _: bool) -> None:
        """By the formula."""
        lr, decay = group["lr"], group["decay"]
        if isinstance(decay, torch.Tensor) or decay:
            w.mul_(_typed(1 - lr * decay, w))
        w.sub_(_typed(lr, w) * cls.direction(g, state, group))

    @classmethod
    def _sweep(cls, parts: list[Part]) -> None:
        """By the kernel, all parts in one call; their settings are equal."""
        weights, gradients, states, groups, _ = (list(column) for column in zip(*parts, strict=True))
        lr, decay = groups[0]["lr"], groups[0]["decay"]
        if isinstance(decay, torch.Tensor):
            for w in weights:
                w.mul_(_typed(1 - lr * decay, w))
        elif decay and not cls.kernel_decays:
            torch._foreach_mul_(weights, 1 - lr * decay)  # pyright: ignore[reportPrivateImportUsage]
        cls.kernel(weights, gradients, states, groups[0])  # pyright: ignore[reportOptionalCall]


def _settings(part: Part) -> list[Any]:
    """What tells groups apart: numbers by value, tensors by identity."""
    return [id(value) if isinstance(value, torch.Tensor) else value for value in part.group.values()]


def _typed(setting: float | torch.Tensor, w: torch.Tensor) -> float | torch.Tensor:
    """Columns are kept in float64 and rounded here, once, as a number is: so a member of many moves as one alone."""
    return setting.to(w.dtype) if isinstance(setting, torch.Tensor) else setting
