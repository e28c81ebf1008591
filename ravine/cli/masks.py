"""`ravine masks`: each dropout mask of a run is one model."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import tyro

from ravine.cli.flags import parse

if TYPE_CHECKING:
    from ravine.ensembles import MaskReport

# What a mask is here, and what it is not
FIXED = (
    "Mask i is the same for every image: one thinned network, one model. MC dropout (ravine predict --uncertainty) "
    "draws new masks for each image instead, to tell how sure an answer is."
)
STATISTICS = "Batch norm keeps the statistics of its training."


@dataclass(frozen=True)
class Options:
    """Examples:
      ravine masks runs/photos
      ravine masks runs/photos -n 100 --ensemble runs/five -o masks.html
      ravine masks best.safetensors --data photos/ --json

    Fixes N dropout masks, each one thinned network, and shows how good each is, their average, the weight-scaling rule
    (ordinary evaluation, dropout off) and a true ensemble at equal prediction cost: RUN's own members, or --ensemble.
    Scored on the test split if there is one, else on validation. The run must have been trained with dropout,
    spatial_dropout, gaussian_dropout, dropconnect or stochastic_depth.
    """

    run: Annotated[str, tyro.conf.Positional, tyro.conf.arg(metavar="RUN")]
    """A run's folder or a weights file."""
    masks: Annotated[int, tyro.conf.arg(aliases=["-n"])] = 50
    """How many masks, 1 to 1,000."""
    ensemble: str = ""
    """A run with several members, or a weights file, to compare with."""
    data: str = ""
    """Other data, or where the run's data is now; a weights file needs it."""
    out: Annotated[tyro.conf.UseAppendAction[tuple[str, ...]], tyro.conf.arg(aliases=["-o"], metavar="FILE")] = ()
    """Draw it: .svg, or .html with the numbers under it; -o can be given several times."""
    use: Literal["best", "last"] = "best"
    """Which weights of a run."""
    seed: int = 0
    """Of the masks."""
    device: str = "auto"
    """auto (a GPU if there is one), cpu, cuda, cuda:1."""
    cache: str = ""
    """Where decoded images are kept; empty is ~/.cache/ravine (or RAVINE_CACHE)."""
    json: bool = False
    """Print one JSON object."""


def run(arguments: Sequence[str]) -> int:
    options = parse(Options, arguments, "masks")
    from ravine.checkpoints import atomic
    from ravine.checkpoints.durable import saving
    from ravine.checkpoints.records import dumps
    from ravine.cli.allocator import keep_freed_memory
    from ravine.errors import UsageError

    outs = [Path(out) for out in options.out]
    for out in outs:
        if out.suffix.lower() not in (".svg", ".html"):
            raise UsageError("unknown ending", where=f"--out {out}", expected=".svg (a picture) or .html (a page)")
    if not 1 <= options.masks <= 1000:
        raise UsageError(f"cannot be {options.masks}", where="--masks", expected="1 to 1,000")
    keep_freed_memory()
    report, said, costs = _measured(options)
    sentences, rows = _sentences(report, said, costs), _rows(report)
    if options.json:
        print(dumps({"run": options.run, "scored_on": said, **report.to_json(), "training_seconds": costs}))
    else:
        _print(sentences, rows)
    for out in outs:
        from ravine.ensembles import mask_picture

        title = f"{Path(options.run).resolve().name}: each dropout mask is one model"
        page = out.suffix.lower() == ".html"
        drawn = mask_picture.page(report, title, sentences, rows) if page else mask_picture.svg(report, title)
        with saving(out):
            atomic.write(out, [drawn.encode()])
        if not options.json:
            print(f"\n{out}")
    return 0


def _measured(options: Options) -> "tuple[MaskReport, str, dict[str, float]]":
    """The report, the words for what it was scored on, and the seconds that trainings took."""
    from ravine.loading import load
    from ravine.runs.joining import seconds_of
    from ravine.runs.masks import masks
    from ravine.runs.own_data import own_data
    from ravine.training.console import Console

    console = Console()
    trained = load(options.run, use=options.use, device=options.device)
    ensemble = load(options.ensemble, use=options.use, device=options.device) if options.ensemble else None
    dataset = own_data(options.run, trained, options.data or None, options.cache or None, console, beside=ensemble)
    split, said = dataset.scored_split()
    if ensemble and split != "train":  # of which others may have been left out
        said = f"the {split} split ({len(dataset.splits[split]):,} images)"
    if split == "train" and dataset.fingerprint == trained.about.get("fingerprint"):
        console.warn("the network was trained on these very images, so all numbers flatter it")
    report = masks(trained, dataset, split, n=options.masks, seed=options.seed, ensemble=ensemble, tick=console.passing)
    console.close()
    of = {"run": options.run, "ensemble": options.ensemble}
    if not ensemble and report.ensembles:
        of = {"members": options.run}
    measured = {name: seconds_of([path]) for name, path in of.items() if path}
    costs = {name: seconds for name, seconds in measured.items() if seconds is not None}
    return report, said, costs


def _sentences(report: "MaskReport", said: str, costs: dict[str, float]) -> list[str]:
    n, (sd, least, most) = len(report.each), report.spread
    each = f"{n} mask{'s' * (n > 1)} on {said}: one alone has {report.each.mean():.1%} on average "
    each += f"(sd {100 * sd:.1f} points, {least:.1%} to {most:.1%}), their average {report.curve[-1]:.1%}, "
    each += "the whole network with dropout off "
    each += f"(weight scaling) {report.whole.quality.accuracy:.1%} in one pass instead of {n}."
    sentences = [each, f"{FIXED} {STATISTICS}"]
    if said.startswith("the val split"):
        sentences.append("Validation chose the best epoch, so that all accuracies are a little flattering.")
    for one, equal in zip(report.ensembles, report.at_equal_cost, strict=True):
        if equal is not None:
            cost = f"At equal prediction cost ({one.passes} passes)"
            sentences.append(f"{cost} {one.quality.name}: {equal} over as many masks of one network.")
        else:
            cure = f"-n {one.passes} or more compares both at equal cost."
            sentences.append(f"{one.quality.name} cost {one.passes} passes, more than there are masks: {cure}")
    if not report.ensembles:
        cure = "ravine train DATA --members 5, then --ensemble with that run."
        sentences.append(f"No true ensemble to compare with: {cure}")
    took = {name: f"{seconds:.1f} s" for name, seconds in costs.items()}
    if len(took) == 2:
        sentences.append(f"Training took {took['run']} for the masks' network and {took['ensemble']} for the ensemble.")
    elif "members" in took:
        sentences.append(
            f"Training took {took['members']} for all members; the masks, those of the first, need no other."
        )
    return sentences


def _rows(report: "MaskReport") -> list[list[str]]:
    rows = [["", "passes", "accuracy (95%)", "loss", "minus weight scaling"]]
    _, least, most = report.spread
    rows.append(["one mask (range)", "1", f"{report.each.mean():.1%} ({100 * least:.1f} to {100 * most:.1f})", "", ""])
    for one in (*report.averages, report.whole, *report.ensembles):
        q, gain = one.quality, one.gain
        low, high = (100 * bound for bound in q.interval or (float("nan"), float("nan")))
        accuracy = f"{q.accuracy:.1%} ({low:.1f} to {high:.1f})"
        over = f"{100 * gain.value:+.1f} ({100 * gain.low:+.1f} to {100 * gain.high:+.1f})" if gain else ""
        rows.append([q.name, str(one.passes), accuracy, f"{q.loss:.4f}", over])
    return rows


def _print(sentences: list[str], rows: list[list[str]]) -> None:
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    terminal = Console(soft_wrap=True, highlight=False)
    terminal.width = max(terminal.width, 84)  # the table's; a narrower terminal breaks its lines itself
    table = Table(box=None, header_style="bold", pad_edge=False)
    for i, name in enumerate(rows[0]):
        table.add_column(name, justify="left" if i == 0 else "right", no_wrap=True)
    for row in rows[1:]:
        table.add_row(*map(escape, row))
    terminal.print(escape(sentences[0]) + "\n")
    terminal.print(table)
    terminal.print()
    for sentence in sentences[1:]:
        terminal.print(escape(sentence))
