"""What transfers: the same data learned with the first blocks kept, frozen or random, at each depth.

found = ravine.transfers("runs/birds", "photos/")
print(*found.sentences, sep="\\n")
found.page("transfers.html")
"""

import os
import shutil
from collections.abc import Callable, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

from ravine import data
from ravine.checkpoints.records import dumps
from ravine.checkpoints.run_folder import RunFolder, find
from ravine.devices import device_named
from ravine.errors import DataError, Interrupted, NonFiniteLossError, UsageError
from ravine.recipe import Recipe
from ravine.runs.opening import named, opened, start_of
from ravine.runs.run import Run
from ravine.runs.running import check
from ravine.runs.trainer import Training
from ravine.runs.transfer_plan import Experiment, checked, counted, experiment, numbers
from ravine.runs.transfer_points import Row, point, right_of
from ravine.runs.transfer_result import result
from ravine.training.console import Console
from ravine.training.fit import Position
from ravine.training.signals import stop_requests
from ravine.transfer.what_transfers import Setting, Transfer, in_words, settings

POINTS = "points.jsonl"


def transfers(
    weights: str | os.PathLike[str] | Run,
    source: Any,
    *,
    depths: str | Sequence[int] = "auto",
    members: int = 3,
    name: str | None = None,
    out: str | os.PathLike[str] = "runs",
    fresh: bool = False,
    device: str = "auto",
    cache: str | os.PathLike[str] | None = None,
    quiet: bool = False,
    recipe: Recipe | None = None,
    **changes: Any,
) -> Transfer:
    """Measures which blocks of pretrained weights serve this data.

    For each depth d the first d blocks are kept and frozen, kept and fine-tuned, or random and frozen, and the rest is
    new; beside them the whole network is kept and its first d blocks are frozen, which is what `ravine finetune` does.
    Seeds are the members of a population: the same images, orders and new weights in all trainings, so that differences
    are paired. All is decided on validation, by the last weights. The same call again goes on where it was.

    Args:
        weights: as of `ravine.finetune`.
        source: the data, as of `ravine.train`.
        depths: how many first blocks, "0, 3, 6" or numbers; 0 and all blocks are always among them. "auto" is all of up
            to 6 blocks, else 6 evenly spaced ones.
        members: seeds; with one alone nothing can be said of another training.
        name, out, fresh, device, cache, quiet, recipe, changes: as of `ravine.train`; the folder is NAME-transfers.

    Returns:
        What was found; it is in the folder as transfers.html and transfers.json, too.

    Raises:
        UsageError: a depth that there is not, or a setting that the experiment makes itself. And as `ravine.finetune`.
    """
    asked = checked((recipe or Recipe()).changed(members=members, **changes)).changed(pretrained=named(weights))
    check(asked)
    wanted, console = numbers(depths), Console(quiet=quiet)
    start = start_of(asked)
    assert start is not None  # noqa: S101  the recipe names weights
    dataset = opened(source, asked, start, cache=cache, console=console)
    console.close()
    plan = experiment(asked, dataset, start, device_named(device), wanted)
    where = data.location(source) or dataset.fingerprint
    kept = {"weights": start.sha256, "fingerprint": dataset.fingerprint, "depths": list(plan.depths)}
    request = {"data": where, "recipe": asked.to_toml(), "transfers": kept}
    folder, verdict = find(Path(out), f"{name or dataset.name}-transfers", request, fresh)
    try:
        with folder.lock():
            found = _found(plan, folder, source, console)
    except (UsageError, DataError):
        if verdict == "new" and not (folder.path / POINTS).exists():  # never began: the name stays free
            shutil.rmtree(folder.path)
        raise
    finally:
        console.close()
    return found


def _found(plan: Experiment, folder: RunFolder, source: Any, console: Console) -> Transfer:
    """Measures what is not measured yet, and writes what was found into the folder."""
    console.log_to(folder.log)
    for warning in plan.dataset.findings.warnings:
        console.warn(warning.text)
    found = result(plan, _measured(plan, folder, console), source, str(folder.path))
    for suffix in (".json", ".html"):
        folder.write_text(f"transfers{suffix}", found.text(suffix))
    return found


def _measured(plan: Experiment, folder: RunFolder, console: Console) -> list[Row]:
    """A row for each training, in their order; those that the folder has are not trained again."""
    rows = folder.read_rows(POINTS)
    planned = settings(plan.depths)
    if len(rows) == len(planned):
        console.say(f"{folder.path} has finished; the command that made it begins anew with --fresh")
        return rows
    _say(plan, planned, len(rows), console)
    with stop_requests() as stop:
        for i in range(len(rows), len(planned)):

            def on_step(training: Training, _: Position, i: int = i) -> None:
                if stop.number is not None:
                    console.close()
                    cure = f"{i} of {len(planned)} trainings are kept; the same ravine transfers command goes on"
                    raise Interrupted(stop.number, where=str(folder.path), cure=cure)
                steps = int(training.recipe.epochs) * training.feed.steps
                words = f"{i + 1}/{len(planned)}  {in_words(planned[i])}"
                console.training(
                    i * steps + training.step, len(planned) * steps, lambda: words, int(training.recipe.batch)
                )

            rows.append(_trained(plan, planned[i], on_step))
            folder.write_text(POINTS, "".join(dumps(row) + "\n" for row in rows))
            console.say(_line(rows, len(planned)))
            for lost in rows[-1]["lost"]:
                console.warn(f"seed {lost} froze in this training: its loss was no number any more")
    return rows


def _trained(plan: Experiment, setting: Setting, on_step: Callable[[Training, Position], None]) -> Row:
    compare = setting == ("tuned", plan.depths[-1])
    try:
        return point(plan, setting, on_step, compare)
    except NonFiniteLossError as error:
        raise NonFiniteLossError(error.what, where=f"{in_words(setting)}: {error.where}", cure=error.cure) from error


def _say(plan: Experiment, planned: Sequence[Setting], there: int, console: Console) -> None:
    """The plan, before anything is trained."""
    decided, said = plan.decided()
    for line in said:
        console.say(line)
    val = len(plan.dataset.splits["val"])
    console.say(f"{counted(len(plan.blocks))} before the head: {', '.join(plan.blocks)}")
    seeds = f"{decided.members} seed{'s' * (decided.members > 1)}"
    console.say(
        f"{len(planned)} trainings of {seeds} and {decided.epochs} epochs: depths {', '.join(map(str, plan.depths))}; "
        f"all is decided on {val:,} validation images"
    )
    if decided.members == 1:
        console.warn("one seed says nothing of another training: the intervals are for these networks on new images")
    if there:
        console.say(f"{there} of them are done already")


def _line(rows: Sequence[Row], planned: int) -> str:
    """What a training came to, and how long the rest may take."""
    row, width = rows[-1], len(str(planned))
    accuracy = right_of(row, "val").mean()
    words = f"{len(rows):{width}}/{planned}  {in_words((row['line'], row['depth'])):42}  val {accuracy:6.1%}  "
    words += f"{row['seconds']:6.1f} s"
    left = (planned - len(rows)) * sum(one["seconds"] for one in rows) / len(rows)
    return words + (f"  about {timedelta(seconds=max(1, round(left)))} left" if len(rows) < planned else "")
