"""`ravine landscape`: see the update rules race on losses of two weights, or the landscape that a run crossed."""

import inspect
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import tyro

from ravine.cli.flags import parse

if TYPE_CHECKING:
    import torch

    from ravine.landscape import Entrant, Scene, Surface
    from ravine.spec import Spec

LONGEST = 10_000  # steps
TINY = 1e-12  # a loss below it is printed as 0
# flags that mean something only without a run, or only with one
_OF_RACES, _OF_RUNS = ("surface", "rules", "steps"), ("directions", "points", "images", "data", "device", "cache")


@dataclass(frozen=True)
class Options:
    """Examples:
      ravine landscape
      ravine landscape --surface ravine,saddle --rules "sgd, momentum(rho=0.95), adam, adam(bias_correction=false)"
      ravine landscape --surface ravine -o ravine.svg
      ravine landscape runs/photos

    Lets the rules that train your networks race from the same start, and writes one page that needs no network:
    contours with moving paths, loss against step, sliders for rate and momentum. Each rule runs at the best of 41 rates
    unless its brackets give one.

    With RUN: the loss around that run's trained weights, on the plane of the two main directions of its training, with
    the path.

    Surfaces: ravine, saddle, plateau, valley-with-local-minimum, rosenbrock, beale, himmelblau, rastrigin, noisy.
    """

    run: Annotated[str, tyro.conf.Positional, tyro.conf.arg(metavar="[RUN]")] = ""
    """A run's folder; without one the rules race on surfaces."""
    surface: str = "all"
    """Which losses, separated by commas, or all."""
    rules: str = "sgd, momentum, momentum(nesterov=true), adagrad, rmsprop, adam"
    """Which rules; settings in brackets are kept, and the others are found or have a slider."""
    out: Annotated[str, tyro.conf.arg(aliases=["-o"])] = ""
    """Where to write: .html is the page, .svg a still picture; empty is landscape.html here, with RUN
    NAME-landscape.html."""
    steps: int = 0
    """Length of each race; 0 for the surface's own."""
    seed: int = 0
    """Of the noise on the surface noisy; with RUN of random directions."""
    directions: Literal["path", "random"] = "path"
    """With RUN: the main directions of its training, or random ones, filter by filter as long as the weights."""
    points: int = 25
    """With RUN: at so many places a side the loss is measured."""
    images: int = 512
    """With RUN: on so many training images."""
    data: str = ""
    """With RUN: where its data is now, if it has moved."""
    device: str = "auto"
    """With RUN: auto (a GPU if there is one), cpu, cuda, cuda:1."""
    cache: str = ""
    """With RUN: where decoded images are kept; empty is ~/.cache/ravine (or RAVINE_CACHE)."""


def run(arguments: Sequence[str]) -> int:
    options = parse(Options, arguments, "landscape")
    from ravine.checkpoints import atomic
    from ravine.checkpoints.durable import saving
    from ravine.errors import UsageError
    from ravine.landscape import page, race, still

    _refuse_ignored(options, arguments)
    out = Path(options.out or (f"{Path(options.run).resolve().name}-" if options.run else "") + "landscape.html")
    if out.suffix.lower() not in (".html", ".svg"):
        raise UsageError("unknown ending", where=f"--out {out}", expected=".html (a page) or .svg (a still picture)")
    if not 0 <= options.steps <= LONGEST:
        raise UsageError(f"cannot be {options.steps}", where="--steps", expected=f"0 to {LONGEST:,}")
    if options.run:
        scenes = [_around(options)]
    else:
        surfaces, rules = _surfaces(options.surface), entrants(options.rules)
        scenes = [race(surface, rules, steps=options.steps, seed=options.seed) for surface in surfaces]
    text = page(scenes) if out.suffix.lower() == ".html" else still(scenes)
    with saving(out):
        atomic.write(out, [text.encode()])
    if options.run:
        print(scenes[0].sentences)
    else:
        _report(scenes)
    print(f"{out}  {_size(out.stat().st_size)}; open it in a browser")
    return 0


def _refuse_ignored(options: Options, arguments: Sequence[str]) -> None:
    """Raises UsageError for a flag that would change nothing."""
    from ravine.errors import UsageError

    given = {argument.split("=")[0] for argument in arguments}
    for name in _OF_RACES if options.run else _OF_RUNS:
        if f"--{name}" in given:
            without = "a run's landscape has no race" if options.run else "no run is given"
            raise UsageError(f"would change nothing, since {without}", where=f"--{name}")


def _size(size: int) -> str:
    return f"{size / 1e6:.1f} MB" if size >= 100_000 else f"{size / 1e3:.0f} kB"


def _around(options: Options) -> "Scene":
    """The landscape around a run's weights."""
    from ravine.cli.allocator import keep_freed_memory
    from ravine.runs.run import Run
    from ravine.runs.running import data_of
    from ravine.runs.surroundings import surroundings
    from ravine.training.console import Console

    keep_freed_memory()
    run, console = Run(options.run), Console()
    dataset, _ = data_of(run, options.data or None, options.cache or None, console)
    chosen = {name: getattr(options, name) for name in ("directions", "points", "images", "seed", "device")}
    scene = surroundings(run, dataset, **chosen, console=console)
    console.close()
    return scene


def _surfaces(names: str) -> "list[Surface]":
    """The surfaces that `--surface` names, each once."""
    from ravine.errors import UsageError, did_you_mean
    from ravine.landscape import SURFACES

    known = {surface.key: surface for surface in SURFACES}
    asked = [name.strip() for name in names.split(",")]
    for name in asked:
        if name not in (*known, "all"):
            raise UsageError(f"no surface {name!r}", where="--surface", cure=did_you_mean(name, [*known, "all"]))
    return list(known.values()) if "all" in asked else [known[name] for name in dict.fromkeys(asked)]


def entrants(rules: str) -> "list[Entrant]":
    """What `--rules` names, ready to race. Raises UsageError."""
    from ravine import spec
    from ravine.errors import UsageError

    asked = spec.parse_list(rules, flag="--rules")
    if not asked:
        raise UsageError("no rules given", where="--rules", expected="at least one, such as sgd")
    names = [str(rule) for rule in asked]
    if twice := {name for name in names if names.count(name) > 1}:
        raise UsageError(f"{min(twice)} is there twice", where="--rules", expected="each rule once")
    return [_entrant(rule) for rule in asked]


def _entrant(asked: "Spec") -> "Entrant":
    from ravine import spec
    from ravine.errors import UsageError
    from ravine.landscape import Entrant, formula
    from ravine.optimization import RULES, Stepper

    _, settings = spec.bind(asked, RULES, flag="--rules", given={"params": None})
    rule = RULES[asked.name]
    settings.pop("params")
    if rule.whole:  # Muon: a vector of two weights is no matrix, so all that would race is the Adam it has for vectors
        cure = "adam is what it would be here"
        raise UsageError(f"{asked.name} needs whole matrices and here are two weights", where="--rules", cure=cure)
    complete = Stepper(rule, **settings).group  # refuses what is out of range before anything runs
    rate = settings.pop("lr", None)
    momentum = {"rho", "beta1"} & inspect.signature(rule).parameters.keys() - settings.keys()

    def stepper(rates: "torch.Tensor", frictions: "torch.Tensor | None") -> Stepper:
        columns: dict[str, Any] = {"lr": rates, **dict.fromkeys(momentum, frictions)}
        return Stepper(rule, **columns, **settings)

    return Entrant(str(asked), formula(rule.__doc__, complete), stepper, rate, rolls=bool(momentum))


def _report(scenes: "Sequence[Scene]") -> None:
    """How it went, in a table."""
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    terminal = Console(soft_wrap=True, highlight=False)
    table = Table("surface and rule", "rate", "last loss", "steps", box=None, header_style="bold", pad_edge=False)
    for scene in scenes:
        table.add_row(f"[bold]{scene.key}[/bold]")
        for racer in scene.racers:
            losses, ended = racer.losses[scene.shown(racer)], int(racer.ended[scene.shown(racer)])
            there = (losses <= losses[0] / 1000).nonzero()
            last = f"diverged at {ended}" if ended >= 0 else f"{losses[-1]:.2g}" if losses[-1] > TINY else "0"
            steps = str(int(there[0])) if len(there) else "-"
            table.add_row(f"  {escape(racer.name)}", f"{racer.rates[scene.home[1]]:.3g}", last, steps)
    terminal.print(table)
    terminal.print("\nsteps: until the loss was first below a thousandth of that at the start")
