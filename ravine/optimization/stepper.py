"""A rule at work on a population's matrix."""

import inspect
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import torch

from ravine.optimization.parts import Part, Slot, cut_out, of_matrix
from ravine.optimization.rule import Rule
from ravine.optimization.settings import checked


class Stretch(NamedTuple):
    """Columns `start` to `stop` of a matrix that are trained alike.

    `factor` multiplies their rate. `done` is how many steps they were trained before: what is unfrozen late is to a
    rule as it was at its first step, and so Adam's correction counts from there.
    """

    start: int
    stop: int
    factor: float = 1.0
    done: int = 0


class Stepper:
    """A rule at work on one matrix, without an `Optimizer` object (the first of which costs a second of imports).

    Args:
        rule: the class of the rule, such as `Adam`.
        layout: where each parameter lies in a row; needed by rules that look at whole parameters (Muon).
        stretches: the columns that are trained; None for all of them, from the first step on. What lies in none is
            frozen, bit by bit, and the rule remembers nothing of it. No stretch may part a parameter under a rule that
            looks at whole ones.
        **settings: as the rule's own; missing ones take the rule's defaults. A `[K, 1]` column gives each member its
            own, a row `[P]` each weight.

    Attributes:
        stretches: as above, for the next step.
        state: what the rule remembers, `[K, P]` by name, also of what is frozen; and `t`, the steps done in all.
    """

    def __init__(
        self,
        rule: type[Rule],
        *,
        layout: Iterable[Slot] = (),
        stretches: Sequence[Stretch] | None = None,
        **settings: Any,
    ):
        bound = inspect.signature(rule).bind(None, **settings)
        bound.apply_defaults()
        self.rule = rule
        self.group = checked(rule, {name: value for name, value in bound.arguments.items() if name != "params"})
        self.stretches = stretches
        self.state: dict[str, Any] = {}
        self._layout = tuple(layout)

    @torch.no_grad()
    def step(self, weights: torch.Tensor, grads: torch.Tensor, factor: float) -> None:
        """One update of `weights` `[K, P]` at `factor` times the rate (what the schedule says)."""
        whole = Part(weights, grads, self.state, {**self.group, "lr": self.group["lr"] * factor})
        if self.stretches is None:
            self.rule.descend([whole], of_matrix(self._layout))
            return
        self.rule.advance(weights, self.state)
        for start, stop, share, done in self.stretches:
            w, g, state, group, _ = cut_out(whole, start, stop)
            own = Part(w, g, {**state, "t": done}, {**group, "lr": group["lr"] * share})
            self.rule.descend([own], of_matrix(self._layout, start))
