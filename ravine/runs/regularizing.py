"""What holds a training back from overfitting, from a recipe: each piece of `--regularize` at its place."""

import inspect
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from types import MappingProxyType
from typing import Any

import torch
from torch import nn

from ravine import draws, spec
from ravine.errors import UsageError
from ravine.population import Population
from ravine.recipe import Recipe
from ravine.regularization import (
    INSERTIONS,
    PENALTIES,
    insert,
    l2_sp,
    label_smoothing,
    max_norm,
    soft_threshold,
    weight_noise,
    weights_only,
)

_FLAG = "--regularize"


def early_stopping(patience: int = 5) -> int:
    """`--patience` under the name that it has among the regularizers."""
    return patience


REGULARIZERS: dict[str, Callable[..., Any]] = {
    **INSERTIONS,
    **PENALTIES,
    "l2_sp": l2_sp,
    "max_norm": max_norm,
    "weight_noise": weight_noise,
    "label_smoothing": label_smoothing,
    "early_stopping": early_stopping,
}
# What a piece is called with, beside its settings
_GIVEN = {
    **{name: ("model",) for name in INSERTIONS},
    **{name: ("mask",) for name in PENALTIES},
    "l2_sp": ("start", "mask"),
    "max_norm": ("weights", "layout"),
    "weight_noise": ("weights", "mask", "generators"),
    "label_smoothing": ("y", "classes"),
    "early_stopping": (),
}


def pieces(recipe: Recipe) -> dict[str, dict[str, Any]]:
    """All settings of each piece of the recipe's `regularize`, by the piece's name.

    Raises:
        UsageError: a name or setting that there is not, a piece given twice.
    """
    found = {}
    for piece in spec.parse_list("none" if recipe.regularize == "auto" else recipe.regularize, flag=_FLAG):
        if piece.name in found:
            raise UsageError(f"{piece.name} is given twice", where=f"{_FLAG} {recipe.regularize!r}", expected="once")
        given = dict.fromkeys(_GIVEN.get(piece.name, ()))
        made, settings = spec.bind(piece, REGULARIZERS, flag=_FLAG, given=given)
        bound = inspect.signature(made).bind(**settings)
        bound.apply_defaults()
        found[piece.name] = {name: value for name, value in bound.arguments.items() if name not in given}
    return found


def refuse_impossible(recipe: Recipe) -> None:
    """Raises UsageError for what no penalty can be, as `pieces` does for the rest; before any data is read."""
    for name, settings in pieces(recipe).items():
        try:
            if name == "l2_sp":
                l2_sp(**settings, start=torch.zeros(1))
            elif name in PENALTIES:
                PENALTIES[name](**settings)
        except UsageError as error:
            where = f"{_FLAG} {recipe.regularize!r}: {error.where}"
            raise UsageError(error.what, where=where, expected=error.expected, cure=error.cure) from None


def put_into(model: nn.Module, recipe: Recipe) -> None:
    """Puts dropout and the like into a network. Raises UsageError where it has no place for one."""
    for name, settings in pieces(recipe).items():
        if name not in INSERTIONS:
            continue
        try:
            insert(model, str(spec.Spec(name, settings=settings)), flag=_FLAG)
        except UsageError as error:
            where = f"{error.where} with --model {recipe.model}"
            raise UsageError(error.what, where=where, expected=error.expected, cure=error.cure) from None


def with_patience(recipe: Recipe) -> Recipe:
    """The recipe with early stopping's patience as its own. Raises UsageError where it has another one already."""
    settings = pieces(recipe).get("early_stopping")
    if settings is None:
        return recipe
    patience = early_stopping(**settings)
    if recipe.patience not in (0, patience):
        found = f"early_stopping({patience}) and --patience {recipe.patience}"
        raise UsageError(found, where=_FLAG, expected="one patience, given once")
    return recipe.changed(patience=patience)


def smoothing(recipe: Recipe) -> float:
    """How much the labels are smoothed, the criterion's `label_smoothing`; 0 where they are not."""
    return pieces(recipe).get("label_smoothing", {"eps": 0.0})["eps"]


def penalty(
    recipe: Recipe,
    population: Population,
    columns: Mapping[str, torch.Tensor] = MappingProxyType({}),
    start: torch.Tensor | None = None,
) -> Callable[[torch.Tensor, torch.Tensor], torch.Tensor] | None:
    """What is added to the loss, as a function of weights and gradients `[K, P]`; None for nothing.

    Args:
        recipe: its `regularize` is followed.
        population: what is penalized.
        columns: strengths `[K, 1]` of penalties that differ between members, by name.
        start: the pretrained weights `[K, P]`, 0 where there are none; of l2_sp.

    Raises:
        UsageError: a strength that cannot be.
    """
    found, mask = pieces(recipe), weights_only(population.layout, population.weights.device)
    found |= {name: {"strength": column} for name, column in columns.items() if name in PENALTIES}
    terms = [PENALTIES[name](**settings, mask=mask) for name, settings in found.items() if name in PENALTIES]
    if "l2_sp" in found and start is not None:
        terms.append(l2_sp(**found["l2_sp"], start=start, mask=mask))
    if not terms:
        return None
    return lambda weights, grads: torch.stack([term(weights, grads) for term in terms]).sum(0)


def projection(recipe: Recipe, population: Population) -> Callable[..., None] | None:
    """What is done to the weights `[K, P]` after each step: a function `(weights, rate, factors=1.0)`.

    The step was taken at `rate`, or one a member `[K, 1]`, times each weight's own factor, `[P]`.

    Raises:
        UsageError: a limit that cannot be.
    """
    found, steps = pieces(recipe), []
    if found.get("l1", {}).get("proximal"):
        pull = weights_only(population.layout, population.weights.device) * found["l1"]["strength"]
        steps.append(lambda weights, rate, factors: soft_threshold(weights, rate * (factors * pull)))
    if "max_norm" in found:
        max_norm(population.weights[:, :0], (), **found["max_norm"])  # refuses what cannot be
        steps.append(lambda weights, *_: max_norm(weights, population.layout, **found["max_norm"]))

    def project(weights: torch.Tensor, rate: float | torch.Tensor, factors: float | torch.Tensor = 1.0) -> None:
        rate = rate.to(weights.dtype) if isinstance(rate, torch.Tensor) else rate  # rounded as a number is
        for step in steps:
            step(weights, rate, factors)

    return project if steps else None


def perturbation(
    recipe: Recipe,
    population: Population,
    identities: Sequence[int],
    factors: Callable[[], torch.Tensor] | None = None,
) -> Callable[[int, int], AbstractContextManager[None]] | None:
    """A block with noise on the weights, by epoch and step, drawn as `identities` `[K]`; None for no noise.

    `factors` gives what each weight's rate is multiplied by now, `[P]`: what is frozen stays as it is.

    Raises:
        UsageError: a sigma that cannot be.
    """
    settings = pieces(recipe).get("weight_noise")
    if settings is None:
        return None
    with weight_noise([], **settings):  # refuses what cannot be
        pass
    weights = population.weights
    mask, rows = weights_only(population.layout, weights.device), list(weights)

    def perturb(epoch: int, step: int) -> AbstractContextManager[None]:
        generators = [
            draws.generator(recipe.seed, k, "weight_noise", epoch, step, device=weights.device) for k in identities
        ]
        moved = mask if factors is None else mask * (factors() > 0)
        return weight_noise(rows, **settings, mask=moved, generators=generators)

    return perturb
