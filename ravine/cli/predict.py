"""`ravine predict`: name the classes of images."""

import csv
import json
import math
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Literal

import tyro
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from ravine.cli.flags import parse

if TYPE_CHECKING:
    from ravine.prediction import Prediction

_MEASURES = ("entropy", "expected_entropy", "mutual_information")


@dataclass(frozen=True)
class Options:
    """Examples:
      ravine predict runs/photos new.jpg
      ravine predict best.safetensors holiday/ --top 3
      ravine predict runs/photos holiday/ --csv > answers.csv
      ravine predict runs/five holiday/ --uncertainty

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
    """Test-time augmentation, averaged: none, flip, shift, 10crop, or N draws as in training."""
    uncertainty: int = 0
    """Also say how unsure each answer is: of an ensemble, whose members are the samples, or of a network trained with
    dropout, of which so many masks are (bare --uncertainty: 30). Entropy in nats, in two parts: what the image is to
    blame for, and what the samples disagree about (mutual information)."""
    device: str = "auto"
    """auto (a GPU if there is one), cpu, cuda, cuda:1."""
    json: bool = False
    """Print one JSON object."""
    csv: bool = False
    """Print a CSV line per image and class."""


def run(arguments: Sequence[str]) -> int:
    options = parse(Options, _with_number(arguments), "predict")
    from ravine.errors import UsageError
    from ravine.loading import load

    if not options.images:
        raise UsageError("no images given", where="ravine predict", expected="paths of images or folders")
    if options.top < 1:
        raise UsageError(f"cannot be {options.top}", where="--top", expected="1 or more")
    if options.uncertainty and options.tta != "none":
        raise UsageError("averages over samples already", where="--uncertainty", cure="Leave out --tta")
    if not 0 <= options.uncertainty <= 1000:
        raise UsageError(f"cannot be {options.uncertainty}", where="--uncertainty", expected="1 to 1,000")
    trained, images, said = load(options.weights, use=options.use, device=options.device), list(options.images), ""
    if options.uncertainty:
        from ravine.runs.uncertain import Samples, predict_with_uncertainty

        said = Samples(trained, options.uncertainty).said
        predictions = predict_with_uncertainty(trained, images, top=options.top, n=options.uncertainty)
    else:
        predictions = trained.predict(images, top=options.top, tta=options.tta)
    unreadable = [p for p in predictions if p.error]
    answers = [p for p in predictions if not p.error]
    if options.json:
        _print_json(options, trained.name, answers, unreadable, said)
    elif options.csv:
        _print_csv(answers, said)
    elif answers:
        _print_table(answers, said, len(trained.classes))
    for p in unreadable:
        print(f"error: {p.name}: unreadable: {p.error}", file=sys.stderr)
    return 3 if unreadable else 0


def _with_number(arguments: Sequence[str]) -> list[str]:
    """The arguments with 30 after an --uncertainty that no number follows."""
    flag, given = "--uncertainty", list(arguments)
    at = given.index(flag) if flag in given else -1
    if at < 0 or given[at + 1 : at + 2] and given[at + 1].lstrip("-").isdecimal():
        return given
    return [*given[: at + 1], "30", *given[at + 1 :]]


def _unsure(p: "Prediction") -> dict[str, float]:
    """The uncertainty of an answer, nothing where none was asked for."""
    return {name: getattr(p, name) for name in _MEASURES if hasattr(p, name)}


def _print_json(
    options: Options, name: str, answers: "list[Prediction]", unreadable: "list[Prediction]", said: str
) -> None:
    rows = [
        {"path": p.name, "class": p.classes[0], "top": dict(zip(p.classes, p.probabilities, strict=True)), **_unsure(p)}
        for p in answers
    ]
    failed = [{"path": p.name, "reason": p.error} for p in unreadable]
    extra = {} if options.tta == "none" else {"tta": options.tta}
    extra |= {"samples": said} if said else {}
    print(json.dumps({"weights": name, **extra, "predictions": rows, "unreadable": failed}))


def _print_csv(answers: "list[Prediction]", said: str) -> None:
    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerow(["path", "rank", "class", "probability", *(_MEASURES if said else ())])
    for p in answers:
        for rank, (name, probability) in enumerate(zip(p.classes, p.probabilities, strict=True), 1):
            unsure = [f"{value:.6f}" for value in _unsure(p).values()]
            writer.writerow([p.name, rank, name, f"{probability:.6f}", *unsure])


def _print_table(answers: "list[Prediction]", said: str, classes: int) -> None:
    out = Console(soft_wrap=True, highlight=False)
    columns = ("entropy", "of the image", "of the network") if said else ()
    table = Table("image", "class and probability", *columns, box=None, header_style="bold")
    for p in answers:
        named = zip(p.classes, p.probabilities, strict=True)
        shares = ", ".join(f"{escape(name)} {share:.1%}" for name, share in named)
        table.add_row(escape(p.name), shares, *(f"{value:.3f}" for value in _unsure(p).values()))
    out.print(table)
    if said:
        out.print(
            f"\n{said}. Entropy in nats, from 0 (sure) to {math.log(classes):.2f} ({classes} classes alike): what the "
            "image is to blame for (expected entropy), and what the samples disagree about, since the network has not "
            "learned it (mutual information)."
        )
