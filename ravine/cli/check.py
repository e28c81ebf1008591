"""`ravine check`: look a data set over before anything is trained on it."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

import tyro

from ravine.cli.flags import parse


@dataclass(frozen=True)
class Options:
    """Examples:
      ravine check photos/
      ravine check photos.zip --json > findings.json

    Reads every image once and tells of unreadable files, empty and tiny classes, imbalance, duplicates, and leaks
    between splits. The decoded images are kept, so that a training after it starts at once. Exit code 3 if training
    would refuse.
    """

    data: Annotated[str, tyro.conf.Positional, tyro.conf.arg(metavar="DATA")]
    """Folder, .zip, .npz, or digits."""
    max_bad: float = 0.01
    """Share of unreadable images that training would accept."""
    cache: str = ""
    """Where decoded images are kept; empty is ~/.cache/ravine (or RAVINE_CACHE)."""
    json: bool = False
    """Print the findings as one JSON object."""


def run(arguments: Sequence[str]) -> int:
    options = parse(Options, arguments, "check")
    from rich.console import Console as Terminal

    from ravine import data
    from ravine.training.console import Console

    console = Console()
    findings = data.check(options.data, max_bad=options.max_bad, cache=options.cache or None, progress=console.decoding)
    console.close()
    if options.json:
        print(json.dumps(findings.to_json()))
    else:
        Terminal(soft_wrap=True).print(findings.table())
    return 0 if findings.usable else 3
