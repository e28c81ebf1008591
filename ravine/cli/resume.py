"""`ravine resume`: go on with an interrupted run."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Literal

import tyro

from ravine.cli.flags import parse


@dataclass(frozen=True)
class Options:
    """Examples:
      ravine resume runs/photos
      ravine resume runs/photos --data /new/place/photos

    The result is the one that the uninterrupted run would have had.
    """

    run: Annotated[str, tyro.conf.Positional, tyro.conf.arg(metavar="RUN")]
    """A run's folder."""
    data: str = ""
    """Where the data is now, if it has moved."""
    device: str = "auto"
    """auto (a GPU if there is one), cpu, cuda, cuda:1."""
    cache: str = ""
    """Where decoded images are kept; empty is ~/.cache/ravine (or RAVINE_CACHE)."""
    log: Literal["auto", "none", "tensorboard"] = "auto"
    """As of ravine train; auto goes on with what the run has."""
    json: bool = False
    """Print the results as one JSON object."""
    quiet: bool = False
    """Show warnings only."""


def run(arguments: Sequence[str]) -> int:
    options = parse(Options, arguments, "resume")
    from ravine.cli.allocator import keep_freed_memory
    from ravine.cli.results_table import print_results
    from ravine.runs import resume
    from ravine.tracking import logged_to, trackers

    keep_freed_memory()
    run = resume(
        options.run,
        source=options.data or None,
        device=options.device,
        cache=options.cache or None,
        quiet=options.quiet,
        observers=trackers(logged_to(options.run) if options.log == "auto" else options.log),
    )
    print_results(run, as_json=options.json)
    return 0
