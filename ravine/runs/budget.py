"""How long a training may take: `--budget 5m` in seconds, and what is chosen where nobody says."""

import os
import re
import time
from math import prod, sqrt
from pathlib import Path

from ravine import data
from ravine.errors import UsageError
from ravine.recipe import Recipe
from ravine.training.pace import Pace

_EXPECTED = "a time such as 30s, 5m, 1h30m or 2h; auto, or none"
# 50,000 images of 32 x 32 pixels get 5 minutes; other data by the root of their pixels
_PIXELS, _SECONDS = 50_000 * 32 * 32, 300.0
_STEPS = (10, 15, 30, 60, 120, 180, 300, 600, 900, 1800, 3600, 7200, 10800, 21600)


def seconds_in(text: str) -> float:
    """Seconds in "30s", "5m", "1h30m" or "90", which are seconds too.

        >>> seconds_in("1h30m")
        5400.0

    Raises:
        UsageError: no such time, or none at all.
    """
    number = r"(\d+(?:\.\d+)?)"
    found = re.fullmatch(rf"(?:{number}d)?(?:{number}h)?(?:{number}m)?(?:{number}s?)?", text.strip())
    units = (86400, 3600, 60, 1)
    seconds = sum(float(n or 0) * unit for n, unit in zip(found.groups(), units, strict=True)) if found else 0
    if not seconds:
        raise UsageError(f"cannot be {text!r}", where="--budget", expected=_EXPECTED)
    return float(seconds)


def in_words(seconds: float) -> str:
    """A time as `seconds_in` reads it: 300 is "5m", 5400 "1h30m", 7.5 "7.5s"."""
    if seconds < 60:
        return f"{seconds:.3g}s"
    whole = round(seconds)
    parts = ((whole // 3600, "h"), (whole % 3600 // 60, "m"), (whole % 60, "s"))
    return "".join(f"{n}{unit}" for n, unit in parts if n)


def budget_of(recipe: Recipe, dataset: data.Dataset) -> float | None:
    """Seconds that a training may take, from its very start; None where its length is given otherwise.

    "auto" is None where the recipe names epochs or a plan, or keeps snapshots, whose cycles are counted in steps.
    """
    if recipe.budget == "none" or recipe.plan:
        return None
    if recipe.budget != "auto":
        return seconds_in(recipe.budget)
    if recipe.epochs != "auto" or recipe.snapshots:
        return None
    train = dataset.splits["train"]
    wanted = _SECONDS * sqrt(len(train) * prod(train.shape[1:] if len(train.shape) == 3 else train.shape) / _PIXELS)
    return min(_STEPS, key=lambda step: abs(step - wanted)) * 1.0


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


def refuse_for_several(recipe: Recipe) -> None:
    """Raises UsageError for a budget where many trainings are compared, which a clock would make differ."""
    if recipe.budget != "none":
        what = "a budget is for one training"
        raise UsageError(what, where=f"--budget {recipe.budget}", cure="Give --epochs, the same for all")


def process_start() -> float:
    """When this process began, as `time.monotonic` counts; now, where the system does not tell."""
    try:
        fields = Path("/proc/self/stat").read_text().rpartition(")")[2].split()
        booted = time.clock_gettime(time.CLOCK_BOOTTIME) - time.monotonic()  # what the clock missed asleep
        return int(fields[19]) / os.sysconf("SC_CLK_TCK") - booted
    except (OSError, AttributeError, ValueError):
        return time.monotonic()
