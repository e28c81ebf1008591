"""`ravine distill`: one student learns what an ensemble says."""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Annotated

import tyro

from ravine.cli.flags import parse
from ravine.cli.training_flags import TrainingFlags
from ravine.recipe import Recipe

if TYPE_CHECKING:
    from ravine.runs.comparison import Comparison


@dataclass(frozen=True)
class Options(TrainingFlags):
    """Examples:
      ravine distill runs/five --into convnet
      ravine distill runs/five photos/ --into "convnet(width=16)" --augment standard --epochs 60
      ravine distill joined.safetensors photos/ --into mlp --temperature 4 --compare runs/labels-only

    Trains one student on the averaged probabilities of TEACHER (a run, also of several members, or a weights file, also
    of a joined ensemble), which sees each image augmented as the student sees it. The loss is
    alpha T^2 KL(teacher_T || student_T) + (1 - alpha) cross entropy with the labels. It takes all flags of ravine
    train, and what comes out is a run like any other; the same command again goes on with an interrupted one. Then both
    are compared. Augmentation and long trainings help a student more than they help a network that learns from labels.
    """

    teacher_path: Annotated[str, tyro.conf.Positional, tyro.conf.arg(metavar="TEACHER")] = tyro.MISSING
    """A run's folder or a weights file."""
    data: Annotated[str, tyro.conf.Positional, tyro.conf.arg(metavar="[DATA]")] = ""
    """Folder, .zip, .npz, or digits; empty is the data of the teacher's run."""
    into: str = "auto"
    """The student: mlp, convnet or resnet, with settings."""
    temperature: float = 2.0
    """T: how much of the unlikely classes is shown; 1 leaves the probabilities as they are."""
    alpha: float = 0.9
    """The teacher's share of the loss, 0 to 1; the labels have the rest."""
    use: str = "best"
    """Which weights of the teacher's run: best or last."""
    compare: str = ""
    """Another network to compare with, such as the same student trained on the labels alone."""
    name: str = ""
    """Name of the run's folder; empty takes the teacher's, with -distilled."""
    json: bool = False
    """Print the comparison as one JSON object."""


def run(arguments: Sequence[str]) -> int:
    options = parse(Options, arguments, "distill")
    from ravine.checkpoints.records import dumps
    from ravine.cli.allocator import keep_freed_memory
    from ravine.errors import UsageError
    from ravine.loading import weights_path
    from ravine.runs.comparison import compare
    from ravine.runs.distill import distill

    if options.teacher != "none":
        raise UsageError("is given by its path here", where="--teacher", expected="ravine distill TEACHER")
    if options.compare:
        weights_path(options.compare)  # now, not after the training
    keep_freed_memory()
    flags = {argument.split("=")[0].lstrip("-").replace("-", "_") for argument in arguments if argument[:2] == "--"}
    known = {field.name for field in fields(Recipe)}
    given = {name: getattr(options, name) for name in flags if name in known}  # --seed 0 is not no --seed
    run = distill(
        options.teacher_path,
        options.data or None,
        into=options.into,
        temperature=options.temperature,
        alpha=options.alpha,
        use=options.use,
        observers=options.observers(),
        **options.for_training(),
        **given,
    )
    found = compare(run, options.data or None, options.compare or None, cache=options.cache or None)
    run.folder.write_json("distillation.json", found.to_json())
    if options.json:
        print(dumps({"run": str(run.path), **found.to_json()}))
    else:
        _print(found, str(run.path))
    return 0


def _print(found: "Comparison", path: str) -> None:
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    out = Console(soft_wrap=True, highlight=False)
    table = Table(box=None, header_style="bold", pad_edge=False)
    for i, column in enumerate(("", "accuracy (95%)", "parameters", "passes", "images/s", "training")):
        table.add_column(column, justify="right" if i else "left")
    for one in found.networks:
        low, high = (100 * bound for bound in one.interval)
        accuracy = f"{one.accuracy:.1%} ({low:.1f} to {high:.1f})"
        took = "-" if one.training is None else f"{one.training:,.1f} s"
        costs = (f"{one.parameters:,}", str(one.passes), f"{one.images_per_second:,.0f}", took)
        table.add_row(escape(one.name), accuracy, *costs)
    out.print(f"on {found.said}:\n")
    out.print(table)
    teacher, student, *others = found.networks
    out.print(
        f"\nstudent minus teacher: {found.over_teacher}, 95% interval paired over images; they agree on "
        f"{found.agreement:.1%} of them"
    )
    if others:
        out.print(f"student minus {escape(others[0].name)}: {found.over_other}")
    size, speed = student.parameters / teacher.parameters, student.images_per_second / teacher.images_per_second
    out.print(f"the student has {size:.2g} times the teacher's parameters and predicts {speed:.2g} times as fast")
    for note in found.notes:
        out.print(escape(note))
    out.print(f"\neverything    {escape(path)}\npredict with  ravine predict {escape(path)} IMAGE")
