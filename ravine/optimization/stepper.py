"""A rule at work on a population's matrix."""

import inspect
from collections.abc import Iterable
from typing import Any

import torch

from ravine.optimization.parts import Part, Slot, of_matrix
from ravine.optimization.rule import Rule
from ravine.optimization.settings import checked


class Stepper:
    """A rule at work on one matrix, without an `Optimizer` object (the first of which costs a second of imports).

    Args:
        rule: the class of the rule, such as `Adam`.
        layout: where each parameter lies in a row; needed by rules that look at whole parameters (Muon).
        factors: `[P]`, multiplies the rate of each weight: 0 freezes it, bit by bit; None for 1 everywhere.
        **settings: as the rule's own; missing ones take the rule's defaults. A `[K, 1]` column gives each member its
            own, a row `[P]` each weight.
    """

    def __init__(
        self, rule: type[Rule], *, layout: Iterable[Slot] = (), factors: torch.Tensor | None = None, **settings: Any
    ):
        bound = inspect.signature(rule).bind(None, **settings)
        bound.apply_defaults()
        self.rule = rule
        self.group = checked(rule, {name: value for name, value in bound.arguments.items() if name != "params"})
        self.factors = 1.0 if factors is None else factors
        self.state: dict[str, Any] = {}
        self._parts = of_matrix(tuple(layout))

    @torch.no_grad()
    def step(self, weights: torch.Tensor, grads: torch.Tensor, factor: float) -> None:
        """One update of `weights` `[K, P]` at `factor` times the rate (what the schedule says)."""
        group = {**self.group, "lr": self.group["lr"] * factor * self.factors}
        self.rule.descend([Part(weights, grads, self.state, group)], self._parts)
