"""`ravine predict`: name the classes of images."""

import csv
import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Literal

import tyro
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from ravine.cli.flags import parse


@dataclass(frozen=True)
class Options:
    """Examples:
      ravine predict runs/photos new.jpg
      ravine predict best.safetensors holiday/ --top 3
      ravine predict runs/photos holiday/ --csv > answers.csv

    A folder means all images in it. Images that cannot be read are named on stderr and make the exit code 3.
    """

    weights: Annotated[str, tyro.conf.Positional, tyro.conf.arg(metavar="WEIGHTS")]
    """A run's folder or a weights file."""
    images: Annotated[tuple[str, ...], tyro.conf.Positional, tyro.conf.arg(metavar="IMAGE...")]
    """Images and folders of images."""
    top: int = 1
    """How many classes to name for each image."""
    use: Literal["best", "last"] = "best"
    """Which weights of a run."""
    tta: str = "none"
    """Test-time augmentation, averaged: none, flip, 10crop, or N draws of the training's own."""
    device: str = "auto"
    """auto (a GPU if there is one), cpu, cuda, cuda:1."""
    json: bool = False
    """Print one JSON object."""
    csv: bool = False
    """Print a CSV line per image and class."""


def run(arguments: Sequence[str]) -> int:
    options = parse(Options, arguments, "predict")
    from ravine.errors import UsageError
    from ravine.loading import load

    if not options.images:
        raise UsageError("no images given", where="ravine predict", expected="paths of images or folders")
    if options.top < 1:
        raise UsageError(f"cannot be {options.top}", where="--top", expected="1 or more")
    trained = load(options.weights, use=options.use, device=options.device)
    predictions = trained.predict(list(options.images), top=options.top, tta=options.tta)
    unreadable = [p for p in predictions if p.error]
    answers = [p for p in predictions if not p.error]
    if options.json:
        rows = [
            {"path": p.name, "class": p.classes[0], "top": dict(zip(p.classes, p.probabilities, strict=True))}
            for p in answers
        ]
        failed = [{"path": p.name, "reason": p.error} for p in unreadable]
        tta = {} if options.tta == "none" else {"tta": options.tta}
        print(json.dumps({"weights": trained.name, **tta, "predictions": rows, "unreadable": failed}))
    elif options.csv:
        writer = csv.writer(sys.stdout, lineterminator="\n")
        writer.writerow(["path", "rank", "class", "probability"])
        for p in answers:
            for rank, (name, probability) in enumerate(zip(p.classes, p.probabilities, strict=True), 1):
                writer.writerow([p.name, rank, name, f"{probability:.6f}"])
    elif answers:
        table = Table("image", "class and probability", box=None, header_style="bold")
        for p in answers:
            named = zip(p.classes, p.probabilities, strict=True)
            table.add_row(escape(p.name), ", ".join(f"{escape(name)} {share:.1%}" for name, share in named))
        Console(soft_wrap=True, highlight=False).print(table)
    for p in unreadable:
        print(f"error: {p.name}: unreadable: {p.error}", file=sys.stderr)
    return 3 if unreadable else 0
