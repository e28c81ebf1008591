"""`ravine ensemble`: judge an ensemble, join finished runs into one file, choose who votes."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import tyro

from ravine.cli.flags import parse

if TYPE_CHECKING:
    from ravine.ensemble import Ensemble
    from ravine.ensembles import EnsembleReport
    from ravine.seen import Seen
    from ravine.trained import Trained
    from ravine.training.console import Console

_ENDINGS = (".safetensors", ".html", ".json", ".svg")


@dataclass(frozen=True)
class Options:
    """Examples:
      ravine ensemble runs/photos -o report.html
      ravine ensemble runs/a runs/b other.safetensors -o joined.safetensors
      ravine ensemble runs/a runs/b runs/c --select greedy --data photos/

    Averages the probabilities of all members of runs and weights files, also of different models with the same
    classes, and reports what that gains over one member, with intervals. Members are compared and temperatures fitted
    on validation, and scored on test, both only where no network was trained on them.
    """

    networks: Annotated[
        tuple[str, ...], tyro.conf.Positional, tyro.conf.arg(metavar="RUN|WEIGHTS...", help_behavior_hint="")
    ]
    """Runs' folders and weights files; one is enough if it has several members."""
    out: Annotated[tyro.conf.UseAppendAction[tuple[str, ...]], tyro.conf.arg(aliases=["-o"], metavar="FILE")] = ()
    """Where to write, may be given several times: .safetensors is the ensemble in one file, which predict and evaluate
    take; .html, .json the report; .svg its main chart."""
    data: str = ""
    """The data to judge on; empty takes the runs' own."""
    use: Literal["best", "last"] = "best"
    """Which weights of runs."""
    weights: str = ""
    """Of the vote, such as 0.5,0.3,0.2: one for each network given, or one for each member; empty for equal ones."""
    select: Literal["none", "greedy"] = "none"
    """Choose who votes and how much on validation: greedy selection with replacement (Caruana et al., 2004)."""
    soup: Literal["none", "uniform", "greedy"] = "none"
    """Average the members' weights into one network (and write that): for networks fine-tuned from the same weights."""
    max_bad: float = 0.01
    """Share of unreadable images that is accepted (they are left out, and listed)."""
    device: str = "auto"
    """auto (a GPU if there is one), cpu, cuda, cuda:1."""
    cache: str = ""
    """Where decoded images are kept; empty is ~/.cache/ravine (or RAVINE_CACHE)."""
    json: bool = False
    """Print the report as one JSON object."""


def run(arguments: Sequence[str]) -> int:
    options = parse(Options, arguments, "ensemble")
    weights = _checked(options)
    from ravine.checkpoints.records import dumps
    from ravine.cli.allocator import keep_freed_memory
    from ravine.cli.ensemble_table import print_ensemble
    from ravine.ensemble import Ensemble
    from ravine.errors import DataError, UsageError
    from ravine.loading import load
    from ravine.training.console import Console

    keep_freed_memory()
    console = Console()
    _check_places(options)
    networks = [load(path, use=options.use, device=options.device) for path in options.networks]
    ensemble = Ensemble(networks, weights)
    if len(ensemble.names) < 2:
        expected = "several networks, or a run of several --members"
        raise UsageError("one member only", where=options.networks[0], expected=expected)
    only_joined = bool(options.out) and {Path(out).suffix.lower() for out in options.out} == {".safetensors"}
    soup, found = None, None
    try:
        ensemble, soup, found = _judged(options, ensemble, console)
    except (UsageError, DataError) as error:
        if not only_joined or options.select != "none" or options.soup != "none" or options.data:
            raise
        console.warn(f"joined without a report: {error}")
    for out in options.out:  # first: a pipe may close while the report is printed
        _write(Path(out), ensemble, soup, found, console)
    if options.json:
        print(dumps(found.to_json() if found else {"members": len(ensemble.names), "names": ensemble.names}))
    elif found:
        print_ensemble(found.to_json())
    return 0


def _checked(options: Options) -> list[float] | None:
    """The weights. Raises UsageError for what cannot be, before anything is read."""
    from ravine.errors import UsageError

    if not options.networks:
        raise UsageError("no networks given", where="ravine ensemble", expected="runs' folders or weights files")
    for out in options.out:
        if Path(out).suffix.lower() not in _ENDINGS:
            raise UsageError("unknown ending", where=f"--out {out}", expected=", ".join(_ENDINGS))
    if options.weights and options.select != "none":
        raise UsageError("chooses the weights itself", where=f"--select {options.select}", expected="no --weights")
    if options.soup != "none" and (options.weights or options.select != "none"):
        raise UsageError("averages members alike", where=f"--soup {options.soup}", expected="no --weights, no --select")
    try:
        return [float(number) for number in options.weights.split(",")] if options.weights else None
    except ValueError:
        where = f"--weights {options.weights}"
        raise UsageError("cannot be read", where=where, expected="numbers such as 0.5,0.3,0.2") from None


def _check_places(options: Options) -> None:
    """Raises before any work where a network is given twice, or a file cannot be or must not be written."""
    from ravine.errors import UsageError
    from ravine.exporting.exported import check_place
    from ravine.loading import weights_path

    sources = [weights_path(path, options.use).resolve() for path in options.networks]
    for i, path in enumerate(options.networks):
        if sources[i] in sources[:i]:
            raise UsageError("is there twice", where=path, expected="each network once; --weights weighs them")
    for out in map(Path, options.out):
        check_place(out)
        if out.resolve() in sources:
            raise UsageError("is one of the networks given", where=f"--out {out}", expected="another name")


def _judged(
    options: Options, ensemble: "Ensemble", console: "Console"
) -> "tuple[Ensemble, Trained | None, EnsembleReport | None]":
    """The members that vote, the soup, if one is asked for, and the report, which one selected member alone has not."""
    from ravine.errors import DataError
    from ravine.runs.joining import place_of, seconds_of, selected, souped
    from ravine.runs.judging import judged
    from ravine.runs.soup_score import soup_score
    from ravine.runs.unseen import unseen

    source = options.data or place_of(options.networks)
    dataset, notes = unseen(ensemble.parts, _opened(options, ensemble, source, console))
    pool = len(ensemble.names)
    if options.select != "none":
        if "val" not in dataset.splits:
            raise DataError("no validation images that are so for all networks", where=f"--select {options.select}")
        whole = ensemble
        ensemble, counts = selected(whole, whole.answers(dataset, "val"))
        chosen = ", ".join(f"{name} ({count} time{'s' * (count > 1)})" for name, count in counts.items())
        if len(counts) == 1:
            split = "test" if "test" in dataset.splits else "val"
            alone, vote = (one.evaluate(dataset, split).vote_accuracy for one in (ensemble, whole))
            said = f"greedy selection took one of {len(whole.names)} members, alone best on validation: {chosen}; "
            console.say(f"{said}on {split} it has {alone:.1%}, the vote of all {vote:.1%}. Use it alone")
            return ensemble, None, None
        console.say(f"greedy selection took {len(counts)} of {len(whole.names)} members: {chosen}")
    soup = None
    if options.soup != "none":
        soup, names = souped(ensemble, dataset, options.soup)
        notes.append(soup_score(options.soup, soup, names, ensemble, dataset))
    seconds, trained = seconds_of(options.networks), pool if pool > len(ensemble.names) else None
    return ensemble, soup, judged(ensemble, dataset, training=seconds, trained=trained, notes=tuple(notes))


def _opened(options: Options, ensemble: "Ensemble", source: str, console: "Console") -> "Seen":
    from ravine.recipe import Recipe

    accepted = [Recipe.from_toml(part.about["recipe"], part.name).max_bad for part in ensemble.parts]
    most, cache = max(options.max_bad, *accepted), options.cache or None
    dataset = ensemble.open(source, max_bad=most, cache=cache, progress=console.decoding)
    console.close()
    for warning in dataset.findings.warnings:
        console.warn(warning.text)
    return dataset


def _write(
    out: Path, ensemble: "Ensemble", soup: "Trained | None", found: "EnsembleReport | None", console: "Console"
) -> None:
    from ravine.checkpoints import atomic, weights_file
    from ravine.checkpoints.durable import saving
    from ravine.checkpoints.records import dumps
    from ravine.ensembles.report_page import chart, page

    ending = out.suffix.lower()
    if not found and ending != ".safetensors":
        console.warn(f"{out} is not written: one member has no report")
        return
    if ending == ".safetensors":
        if soup:
            weights_file.write(out, soup.tensors, soup.about)
        else:
            ensemble.save(out)
    elif found:
        text = {".html": page, ".svg": chart, ".json": lambda of: dumps(of.to_json(), indent=1) + "\n"}[ending](found)
        with saving(out):
            atomic.write(out, [text.encode()])
    console.say(f"{out}  {out.stat().st_size / 1e3:,.0f} kB")
