"""From a recipe to networks that can be run on a batch."""

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import nn

from ravine import draws, spec
from ravine.errors import UsageError
from ravine.models import MODELS
from ravine.population import Forward, Population, fastest_way, forward
from ravine.recipe import Recipe
from ravine.runs.regularizing import put_into


def network_maker(
    recipe: Recipe, in_shape: tuple[int, ...], classes: int, identities: Sequence[int]
) -> Callable[[int], nn.Module]:
    """A function from k to member k's network, with initial weights that depend on the seed and on `identities[k]`.

    Dropout and the like are put in afterwards and draw nothing: runs with and without start from the same weights.
    """
    model = spec.parse(recipe.model, flag="--model")

    def make(member: int) -> nn.Module:
        with draws.seeded(recipe.seed, identities[member], "init"):
            network = spec.build(model, MODELS, flag="--model", in_shape=in_shape, classes=classes)
        put_into(network, recipe)
        return network

    return make


def runner(recipe: Recipe, population: Population, batch: torch.Tensor | None) -> tuple[Forward, str, dict[str, float]]:
    """How the population runs: the function, the way it goes, and the seconds of each way where they were timed.

    Args:
        recipe: its `forward`, `compile` and `precision` are followed.
        population: what runs.
        batch: `[K, B, ...]` to time the ways on; needed where `forward` is "auto".
    """
    way, timed = recipe.forward, {}
    if way == "direct" and recipe.members > 1:
        raise UsageError(
            "direct runs one member", where="--forward", expected="loop, wide, vmap or auto with --members"
        )
    if batch is not None:
        # compiled networks run member by member, so there is nothing to choose
        with draws.own_generators(), _autocast(recipe, batch.device):  # dropout draws while it is timed
            way, timed = ("loop", {}) if recipe.compile and recipe.members > 1 else fastest_way(population, batch)
    if recipe.compile:
        if way in ("wide", "vmap"):
            raise UsageError("cannot be compiled", where=f"--forward {way}", expected="--forward loop with --compile")
        for member in population.members:
            member.compile()
    run = forward(population, way)
    return run if recipe.precision == "float32" else _in_bfloat16(run, recipe), way, timed


def _in_bfloat16(run: Forward, recipe: Recipe) -> Forward:
    def cast(batch: torch.Tensor, *reseed: Any) -> torch.Tensor:
        with _autocast(recipe, batch.device):
            return run(batch, *reseed).float()

    return cast


def _autocast(recipe: Recipe, device: torch.device) -> torch.autocast:
    return torch.autocast(device.type, torch.bfloat16, enabled=recipe.precision == "bfloat16")
