"""`ravine train`: images in, a trained classifier out."""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Annotated

import tyro

from ravine.cli.flags import parse
from ravine.recipe import Recipe


@dataclass(frozen=True)
class Options(Recipe):
    """Examples:
      ravine train digits
      ravine train photos/ --epochs 20
      ravine train photos.zip --model "resnet(depth=18)" --size 96
      ravine train photos/ --optimizer "momentum(rho=0.9, nesterov=True)" --lr 0.1 --clip 1.0
      ravine train photos/ --balance loss --patience 5 --name second-try
      ravine train photos/ --members 5
      ravine train photos/ --members 8 --sweep "lr=1e-3..1e-1"

    DATA is a folder with one folder of images per class (or train/, val/, test/ with such folders), a .zip of it, an
    .npz with x and y, or the word digits. The same command again goes on with an interrupted run.
    """

    data: Annotated[str, tyro.conf.Positional, tyro.conf.arg(metavar="DATA")] = tyro.MISSING
    """Folder, .zip, .npz, or digits."""
    name: str = ""
    """Name of the run's folder; empty takes the data's."""
    out: str = "runs"
    """Folder of all runs."""
    fresh: bool = False
    """Start anew in NAME-2 instead of resuming."""
    device: str = "auto"
    """auto (a GPU if there is one), cpu, cuda, cuda:1."""
    cache: str = ""
    """Where decoded images are kept; empty is ~/.cache/ravine (or RAVINE_CACHE)."""
    json: bool = False
    """Print the results as one JSON object."""
    quiet: bool = False
    """Show warnings only."""


def run(arguments: Sequence[str]) -> int:
    options = parse(Options, arguments, "train")
    recipe = Recipe(**{field.name: getattr(options, field.name) for field in fields(Recipe)})
    from ravine.cli.allocator import keep_freed_memory
    from ravine.cli.report import print_results
    from ravine.runs import train

    keep_freed_memory()
    run = train(
        options.data,
        name=options.name or None,
        out=options.out,
        fresh=options.fresh,
        device=options.device,
        cache=options.cache or None,
        quiet=options.quiet,
        recipe=recipe,
    )
    print_results(run, as_json=options.json)
    return 0
