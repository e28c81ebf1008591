"""From a run's folder to what a report says of it, at any moment: before the first epoch, killed, finished."""

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from ravine.data.findings import shown
from ravine.errors import UsageError
from ravine.report.accuracies import accuracies, best_epochs
from ravine.report.command import command
from ravine.report.facts import Report
from ravine.report.judged import judged
from ravine.report.mistakes import Mistakes, mistakes
from ravine.report.notices import notices
from ravine.report.pieces import Pieces
from ravine.report.predictions import Predictions
from ravine.report.seconds import seconds
from ravine.report.verdict import how_good, what_helps
from ravine.traps import Trap

if TYPE_CHECKING:
    from ravine.runs import Run

Texts = tuple[tuple[str, str], ...]


def report_of(run: "Run", *, stopped: bool = False) -> Report:
    """Reads what there is to say of a run from its folder alone: neither the data nor the weights are needed.

    What the folder does not have (yet) is None or empty in the report. A file that is damaged counts as missing, and
    the notices say so.

    Args:
        stopped: whoever holds the run's lock, the caller, trains no more.

    Raises:
        UsageError: the folder of several trainings, each of which has a report of its own.
    """
    pieces = Pieces(run.folder)
    _refuse_several(pieces)
    classes = tuple(map(shown, pieces.classes))
    summary = pieces.summary if pieces.summary.get("finished") else {}
    predictions = pieces.predictions() if summary else None
    counts, findings, traps = _counts(pieces.looked), _findings(pieces.looked), _traps(pieces)
    best = best_epochs(summary, pieces.rows, pieces.recipe.members)
    report = Report(
        name=shown(run.path.resolve().name),
        path=shown(str(run.path)),
        state="finished" if pieces.finished else "training" if run.folder.in_use and not stopped else "stopped",
        epoch=len(pieces.rows),
        epochs=_planned(pieces),
        verdict=(),
        accuracies=accuracies(summary, pieces.rows, best, sum(counts.get("val", {}).values())),
        rows=pieces.rows,
        times=pieces.times,
        members=pieces.recipe.members,
        best_epochs=best,
        classes=classes,
        judged=judged(summary, classes, predictions),
        mistakes=_mistakes(pieces, summary, classes, predictions),
        augmentation=pieces.augmentation,
        findings=findings,
        counts=counts,
        seconds=seconds(pieces.times, summary, pieces.recipe, pieces.environment),
        notices=_notices(pieces, findings, traps),
        traps=traps,
        recipe=pieces.toml,
        environment={name: shown(str(value)) for name, value in pieces.environment.items() if name != "command"},
        command=shown(command(pieces.environment.get("command", ()))),
    )
    verdict = how_good(report), what_helps(report, pieces.recipe, summary)
    return replace(report, verdict=tuple(filter(None, verdict)))


def _refuse_several(pieces: Pieces) -> None:
    """Raises UsageError for a folder of many trainings."""
    path, folds = pieces.folder.path, pieces.request.get("kfold")
    if folds:
        cure = f"Give one of its folds, such as {path / 'fold0'}, or several, which are compared"
        raise UsageError(f"{folds} trainings in one folder", where=str(path), cure=cure)
    if "transfers" in pieces.request:
        cure = f"They have a page of their own: {path / 'transfers.html'}"
        raise UsageError("many short trainings and no run", where=str(path), cure=cure)


def _planned(pieces: Pieces) -> int:
    epochs = pieces.recipe.epochs
    return len(pieces.rows) if epochs == "auto" else int(epochs)


def _counts(looked: dict[str, Any]) -> dict[str, dict[str, int]]:
    """As the splits were cut; as the data brought them in old runs."""
    by_split = looked.get("splits", looked.get("counts", {}))
    return {split: {shown(name): n for name, n in of.items()} for split, of in by_split.items()}


def _findings(looked: dict[str, Any]) -> Texts:
    kinds = (("error", looked.get("errors", ())), ("warning", looked.get("warnings", ())))
    return tuple((kind, shown(one["text"])) for kind, several in kinds for one in several)


def _traps(pieces: Pieces) -> tuple[Trap, ...]:
    from ravine.runs.watching import traps_of  # runs write what a report reads, so they know this room

    return pieces.read(lambda: traps_of(pieces.folder), ()) if pieces.rows else ()


def _notices(pieces: Pieces, findings: Texts, traps: tuple[Trap, ...]) -> tuple[str, ...]:
    """First what cannot be read: all pieces have been, so that it is known."""
    elsewhere = [*(text for _, text in findings), *(f"epoch {trap.epoch}: {trap}" for trap in traps)]
    unread = tuple(f"warning: {shown(line)}" for line in dict.fromkeys(pieces.unread))
    return unread + notices(pieces.log or b"", elsewhere)


def _mistakes(
    pieces: Pieces, summary: dict[str, Any], classes: tuple[str, ...], predictions: Predictions | None
) -> Mistakes | None:
    if predictions is None:
        return None
    return mistakes(predictions, summary["scored_on"], classes, pieces.picture())
