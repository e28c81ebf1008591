"""How long a training may take: what `--budget` asks for, and what is chosen where nobody says."""

import os
import time
from math import prod, sqrt
from pathlib import Path

from ravine import data
from ravine.duration import seconds_in
from ravine.errors import UsageError
from ravine.recipe import Recipe
from ravine.training.pace import Pace

# 50,000 images of 32 x 32 pixels get 5 minutes; other data by the root of their pixels, each member as much as one
_PIXELS, _SECONDS = 50_000 * 32 * 32, 300.0
_STEPS = (10, 15, 30, 60, 120, 180, 300, 600, 900, 1800, 3600, 7200, 10800, 21600)


def budget_of(recipe: Recipe, dataset: data.Dataset) -> float | None:
    """Seconds that a training may take, from its very start; None where its length is given otherwise.

    "auto" is None where the recipe names epochs or a plan, sweeps settings, which are compared, or keeps snapshots,
    whose cycles are counted in steps.
    """
    train = dataset.splits["train"]
    return seconds_for(recipe, len(train), prod(train.shape[1:] if len(train.shape) == 3 else train.shape))


def seconds_for(recipe: Recipe, images: int, pixels: int) -> float | None:
    """`budget_of` for so many training images of so many pixels, or numbers, each."""
    if recipe.budget == "none" or recipe.plan:
        return None
    if recipe.budget != "auto":
        return seconds_in(recipe.budget)
    if recipe.epochs != "auto" or recipe.snapshots or recipe.sweep:
        return None
    wanted = _SECONDS * sqrt(images * pixels / _PIXELS)
    return min(_STEPS, key=lambda step: abs(step - wanted)) * float(recipe.members)


def refuse_impossible(recipe: Recipe) -> None:
    """Raises UsageError for a budget that cannot be, or that contradicts another setting.

    Beside a plan it is none, but says what the plan was made for.
    """
    if recipe.plan:
        Pace.parse(recipe.plan, "--plan")
    if recipe.budget in ("auto", "none"):
        return
    seconds_in(recipe.budget)
    if recipe.plan:
        return
    for name, given in (("epochs", recipe.epochs != "auto"), ("snapshots", recipe.snapshots)):
        if given:
            cure = "Give one of both"
            raise UsageError(f"together with --{name}", where=f"--budget {recipe.budget}", cure=cure)


def without_clock(recipe: Recipe) -> Recipe:
    """The recipe without a budget, for many trainings that are compared: a clock would make them differ.

    Raises:
        UsageError: one was asked for.
    """
    if recipe.budget not in ("auto", "none"):
        what = "a budget is for one training"
        raise UsageError(what, where=f"--budget {recipe.budget}", cure="Give --epochs, the same for all")
    return recipe if recipe.epochs != "auto" else recipe.changed(budget="none")


def process_start() -> float:
    """When this process began, as `time.monotonic` counts; now, where the system does not tell."""
    try:
        fields = Path("/proc/self/stat").read_text().rpartition(")")[2].split()
        booted = time.clock_gettime(time.CLOCK_BOOTTIME) - time.monotonic()  # what the clock missed asleep
        return int(fields[19]) / os.sysconf("SC_CLK_TCK") - booted
    except (OSError, AttributeError, ValueError):
        return time.monotonic()
