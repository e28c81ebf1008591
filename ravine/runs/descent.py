"""What moves the weights, from a recipe: the rule, its schedule, clipping, an average of the weights, SAM."""

import inspect
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import torch

from ravine import spec
from ravine.errors import UsageError
from ravine.optimization import AVERAGES, CLIPS, RULES, SCHEDULES, Average, Schedule, Stepper, ascended, clip_by_norm
from ravine.population import Population
from ravine.recipe import Recipe
from ravine.regularization import weights_only


def stepper(recipe: Recipe, population: Population) -> Stepper:
    """The rule on the population's matrix. Its decay acts on matrices and convolutions, not on biases and norms."""
    rule, settings = spec.bind(spec.parse(recipe.optimizer), RULES, flag="--optimizer", given={"params": None})
    settings = {**settings, "lr": float(recipe.lr)}
    del settings["params"]
    made = Stepper(rule, layout=population.layout, **settings)  # pyright: ignore[reportArgumentType]
    if made.group["decay"]:
        made.group["decay"] = made.group["decay"] * weights_only(population.layout, population.weights.device).double()
    return made


def schedule(recipe: Recipe) -> Schedule:
    """The schedule that the recipe names. Raises UsageError."""
    return spec.build(spec.parse(recipe.schedule, flag="--schedule"), SCHEDULES, flag="--schedule")


def clipping(recipe: Recipe, population: Population) -> Callable[[torch.Tensor], torch.Tensor]:
    """A function that clips gradients `[K, P]` in place and returns the norms `[K]` from before. Raises UsageError."""
    if not isinstance(recipe.clip, str):
        limit = recipe.clip
        return lambda grads: clip_by_norm(grads, limit)
    chosen = spec.parse(recipe.clip, flag="--clip")
    known = {"grads": None, "weights": population.weights, "layout": population.layout}
    parameters = inspect.signature(CLIPS[chosen.name]).parameters if chosen.name in CLIPS else {}
    given = {name: value for name, value in known.items() if name in parameters}
    clip, settings = spec.bind(chosen, CLIPS, flag="--clip", given=given)
    for name in settings.keys() - given.keys():
        value = settings[name]
        if isinstance(value, bool) or not isinstance(value, int | float) or not value > 0:
            raise UsageError(
                f"{name} cannot be {value!r}", where=f"--clip {recipe.clip!r}", expected="a number above 0"
            )
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
    """Start, peak and end of the rate over `steps` optimizer steps, in words."""
    plan, lr = schedule(recipe), float(recipe.lr)
    if hasattr(plan, "observe"):
        return f"rate {lr:.3g}, lower whenever validation stalls"
    looked_at = [i * steps // min(steps, 10_000) for i in range(min(steps, 10_000))]
    factors = [plan(i / steps) for i in looked_at]
    top = max(range(len(factors)), key=factors.__getitem__)
    said = [f"{lr * factors[0]:.3g} at the start"]
    if factors[top] > factors[0]:
        said.append(f"{lr * factors[top]:.3g} at {looked_at[top] / steps:.0%}")
    return "rate " + ", ".join([*said, f"{lr * plan((steps - 1) / steps):.3g} at the end"])


def observe(plan: Any, row: dict[str, Any]) -> bool:
    """Shows a schedule that watches the validation (plateau) an epoch's row; whether the rate fell."""
    return hasattr(plan, "observe") and plan.observe(row["val/loss"])
