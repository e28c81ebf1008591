"""`ravine lr-find`: which learning rate to train with."""

import json
import shlex
import sys
from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Annotated, Any

import tyro

from ravine.cli.flags import parse
from ravine.cli.training_flags import recipe_of
from ravine.recipe import Recipe


@dataclass(frozen=True)
class Options(Recipe):
    """Examples:
      ravine lr-find digits
      ravine lr-find photos/ --optimizer "momentum(rho=0.9)" --model "resnet(depth=18)"
      ravine lr-find photos/ -o lr.html

    Trains for a few steps while the learning rate grows, and says at which rate the loss falls best. It takes all flags
    of ravine train; --epochs, --schedule and --members do not matter, and --lr is what is kept if nothing better is
    found. Nothing is written but the picture, if -o asks for one.
    """

    data: Annotated[str, tyro.conf.Positional, tyro.conf.arg(metavar="DATA")] = tyro.MISSING
    """Folder, .zip, .npz, or digits."""
    out: Annotated[str, tyro.conf.arg(aliases=["-o"], metavar="FILE")] = ""
    """Draw the curve: .html (to look around in, opens offline), .svg, or its numbers as .json."""
    steps: int = 400
    """Mini-batches to train on, 20 or more. Twice as many see the loss fall at lower rates already, and suggest about
    0.7 times as much."""
    low: float = 1e-6
    """First rate."""
    high: float = 10.0
    """Last rate."""
    device: str = "auto"
    """auto (a GPU if there is one), cpu, cuda, cuda:1."""
    cache: str = ""
    """Where decoded images are kept; empty is ~/.cache/ravine (or RAVINE_CACHE)."""
    json: bool = False
    """Print the suggestion and the curve as one JSON object."""
    quiet: bool = False
    """Show warnings only."""


def run(arguments: Sequence[str]) -> int:
    options = parse(Options, arguments, "lr-find")
    recipe = recipe_of(options)
    from ravine.cli.allocator import keep_freed_memory
    from ravine.optimization.lr_picture import checked
    from ravine.runs.lr_search import lr_find

    if options.out:
        checked(options.out)  # now, not after the work
    keep_freed_memory()
    found = lr_find(
        options.data,
        device=options.device,
        cache=options.cache or None,
        quiet=options.quiet,
        recipe=recipe,
        steps=options.steps,
        low=options.low,
        high=options.high,
    )
    command = _command(options, found.recipe)
    if options.json:
        plain = found.to_json()
        plain["suggestion"]["reason"] = _in_flags(found.suggestion.reason)
        print(json.dumps({**plain, "command": command}))
    else:
        _print(found, command)
    if options.out:
        found.save(options.out)  # after the results, which are worth more than the picture
        print(f"picture        {options.out}", file=sys.stderr if options.json else sys.stdout)
    return 0


def _command(options: Options, recipe: Recipe) -> str:
    """The line that trains with the suggested rate and otherwise as asked."""
    words = ["ravine", "train", options.data, "--lr", f"{recipe.lr:g}"]
    for field in fields(Recipe):
        value = getattr(recipe, field.name)
        if field.name == "lr" or value == field.default:
            continue
        flag = f"--{field.name.replace('_', '-')}"
        words += [flag] if value is True else [flag, str(value)]
    for name in ("device", "cache"):
        value = getattr(options, name)
        if value != getattr(Options, name):
            words += [f"--{name}", value]
    return shlex.join(words)


def _in_flags(reason: str) -> str:
    """The reason with flags instead of arguments."""
    return reason.replace("(low)", "(--low)").replace("(high)", "(--high)")


def _print(found: Any, command: str) -> None:
    suggestion = found.suggestion
    if "utf" in (sys.stdout.encoding or "").lower():  # others have no blocks to draw with
        print(found.text() + "\n")
    worth = f"  ({suggestion.low:g} to {suggestion.high:g} is worth trying)" if suggestion.found else ""
    print(f"learning rate  {suggestion.lr:g}{worth}")
    print(f"why            {_in_flags(suggestion.reason)}")
    print(f"train with     {command}")
