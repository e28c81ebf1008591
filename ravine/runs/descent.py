"""What moves the weights, from a recipe: the rule, its schedule, clipping, an average of the weights, SAM."""

import inspect
import math
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from types import MappingProxyType
from typing import Any

import torch

from ravine import spec
from ravine.errors import UsageError
from ravine.optimization import AVERAGES, CLIPS, RULES, SCHEDULES, Average, Schedule, Stepper, ascended, clip_by_norm
from ravine.population import Population, Slot
from ravine.recipe import Recipe
from ravine.regularization import weights_only
from ravine.runs import sweeping

_NOTHING: Mapping[str, torch.Tensor] = MappingProxyType({})


def check(recipe: Recipe) -> None:
    """Raises UsageError for what cannot be, before any data is read. What "auto" will be is right."""
    nothing = torch.zeros(1, 1)
    swept = sweeping.columns(sweeping.settled(recipe)[0])
    if recipe.optimizer != "auto" or swept:
        decided = recipe.changed(optimizer="adam") if recipe.optimizer == "auto" else recipe
        _rule(decided.changed(lr=0.0) if decided.lr == "auto" else decided, columns=swept)
    if recipe.schedule != "auto":
        schedule(recipe)
    average(recipe, nothing)
    _clip(recipe, nothing, ())


def stepper(recipe: Recipe, population: Population, columns: Mapping[str, torch.Tensor] = _NOTHING) -> Stepper:
    """The rule on the population's matrix. Its decay acts on matrices and convolutions, not on biases and norms.

    `columns` `[K, 1]` are the settings that differ between members, by name.
    """
    made = _rule(recipe, population.layout, columns)
    if isinstance(made.group["decay"], torch.Tensor) or made.group["decay"]:
        made.group["decay"] = made.group["decay"] * weights_only(population.layout, population.weights.device).double()
    return made


def _rule(recipe: Recipe, layout: Sequence[Slot] = (), columns: Mapping[str, torch.Tensor] = _NOTHING) -> Stepper:
    chosen = spec.parse(recipe.optimizer, flag="--optimizer")
    rule, settings = spec.bind(chosen, RULES, flag="--optimizer", given={"params": None})
    of_rule = inspect.signature(rule).parameters
    swept = {name: column for name, column in columns.items() if name in of_rule}
    settings = {**settings, "lr": float(recipe.lr), **swept}
    del settings["params"]
    with spec.blaming(chosen, f"--sweep {recipe.sweep!r}, --optimizer" if swept else "--optimizer"):
        return Stepper(rule, layout=layout, **settings)  # pyright: ignore[reportArgumentType]


def schedule(recipe: Recipe) -> Schedule:
    """The schedule that the recipe names. Raises UsageError."""
    return spec.build(spec.parse(recipe.schedule, flag="--schedule"), SCHEDULES, flag="--schedule")


def clipping(recipe: Recipe, population: Population) -> Callable[[torch.Tensor], torch.Tensor]:
    """A function that clips gradients `[K, P]` in place and returns the norms `[K]` from before. Raises UsageError."""
    return _clip(recipe, population.weights, population.layout)


def _clip(recipe: Recipe, weights: torch.Tensor, layout: Sequence[Slot]) -> Callable[[torch.Tensor], torch.Tensor]:
    if not isinstance(recipe.clip, str) or recipe.clip == "none":
        limit = math.inf if recipe.clip == "none" else float(recipe.clip)
        return lambda grads: clip_by_norm(grads, limit)
    chosen = spec.parse(recipe.clip, flag="--clip")
    known = {"grads": torch.zeros_like(weights), "weights": weights, "layout": layout}
    parameters = inspect.signature(CLIPS[chosen.name]).parameters if chosen.name in CLIPS else {}
    given = {name: value for name, value in known.items() if name in parameters}
    clip, settings = spec.bind(chosen, CLIPS, flag="--clip", given=given)
    with spec.blaming(chosen, "--clip"):
        clip(**settings)  # on zeros: refuses a limit that cannot be
    return lambda grads: clip(**{**settings, "grads": grads})


def average(recipe: Recipe, weights: torch.Tensor) -> Average | None:
    """The average of the weights that is evaluated and kept instead of them, if any. Raises UsageError."""
    chosen = spec.parse_list(recipe.average, flag="--average")
    if not chosen:
        return None
    if len(chosen) > 1:
        raise UsageError("several averages", where=f"--average {recipe.average!r}", expected="one")
    return spec.build(chosen[0], AVERAGES, flag="--average", weights=[weights])


def ascent(recipe: Recipe) -> Callable[[torch.Tensor, torch.Tensor], AbstractContextManager[None]] | None:
    """Where the gradient is taken: None for at the weights, else the worst point within `recipe.sam` of each member."""
    if not recipe.sam:
        return None

    def ascend(weights: torch.Tensor, grads: torch.Tensor) -> AbstractContextManager[None]:
        return ascended([weights], [grads], torch.linalg.vector_norm(grads, dim=1, keepdim=True), recipe.sam)

    return ascend


def rates(recipe: Recipe, steps: int) -> str:
    """Start, peak and end of the rate over `steps` optimizer steps, in words, and what else moves the weights."""
    around = f", clip {recipe.clip}" if recipe.clip not in (math.inf, "none") else ""
    around += f", average {recipe.average}" if recipe.average != "none" else ""
    around += f", sam {recipe.sam:g}" if recipe.sam else ""
    return _rates(recipe, steps) + around


def _rates(recipe: Recipe, steps: int) -> str:
    sweep = sweeping.sweep_of(recipe)
    swept = sweep is not None and "lr" in sweep.axes
    plan, lr, name = schedule(recipe), 1.0 if swept else float(recipe.lr), "rate, of the swept lr," if swept else "rate"
    if hasattr(plan, "observe"):
        return f"{name} {lr:.3g}, lower whenever validation stalls"
    looked_at = [i * steps // min(steps, 10_000) for i in range(min(steps, 10_000))]
    factors = [plan(i / steps) for i in looked_at]
    top = max(range(len(factors)), key=factors.__getitem__)
    said = [f"{lr * factors[0]:.3g} at the start"]
    if factors[top] > factors[0]:
        said.append(f"{lr * factors[top]:.3g} at {looked_at[top] / steps:.0%}")
    return f"{name} " + ", ".join([*said, f"{lr * plan((steps - 1) / steps):.3g} at the end"])


def observe(plan: Any, row: dict[str, Any]) -> None:
    """Shows an epoch's row to a schedule that watches the validation (plateau)."""
    if hasattr(plan, "observe"):
        plan.observe(row["val/loss"])
