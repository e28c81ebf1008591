"""From a recipe to networks that can be run on a batch."""

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import nn

from ravine import building, draws
from ravine.errors import UsageError
from ravine.models import Whitening
from ravine.population import Forward, Population, fastest_way, forward
from ravine.recipe import Recipe
from ravine.runs.beginning import Begin
from ravine.runs.regularizing import put_into


def network_maker(
    recipe: Recipe,
    in_shape: tuple[int, ...],
    classes: int,
    identities: Sequence[int],
    head: str = "linear",
    begin: Begin | None = None,
    sample: Callable[[], torch.Tensor] | None = None,
) -> Callable[[int], nn.Module]:
    """A function from k to member k's network, with initial weights that depend on the seed and on `identities[k]`.

    A whitening layer is fitted to `sample`, training images as the network gets them; `begin` then puts pretrained
    weights into it. Dropout and the like are put in last and draw nothing: runs with and
    without start from the same weights.
    """

    def make(member: int) -> nn.Module:
        with draws.seeded(recipe.seed, identities[member], "init"):
            network = building.network(recipe.model, in_shape, classes, head)
        if sample:
            for layer in network.modules():
                if isinstance(layer, Whitening):
                    layer.fit(sample())
        if begin:
            begin(network, identities[member])
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
        with draws.own_generators(), autocast(recipe, batch.device):  # dropout draws while it is timed
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
        with autocast(recipe, batch.device):
            return run(batch, *reseed).float()

    return cast


def autocast(recipe: Recipe, device: torch.device) -> torch.autocast:
    """A block in which a recipe's networks run in its precision."""
    return torch.autocast(device.type, torch.bfloat16, enabled=recipe.precision == "bfloat16")
