"""From a run's folder to what a report says of it, at any moment: before the first epoch, killed, finished."""

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from ravine.data.findings import shown
from ravine.errors import UsageError
from ravine.report import what_predicts
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
from ravine.traps import Facts, Trap, found, notes

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
    counts, findings, facts = _counts(pieces.looked), _findings(pieces.looked), _facts(pieces)
    traps = found(pieces.rows, facts)
    members, (voters, winner) = pieces.recipe.members, _chosen(pieces, summary)
    best = best_epochs(summary, pieces.rows, members) if voters else ()
    columns = what_predicts.columns("val/accuracy", pieces.rows, members, voters)
    n = sum(counts.get("val", {}).values())
    report = Report(
        name=shown(run.path.resolve().name),
        path=shown(str(run.path)),
        state="finished" if pieces.finished else "training" if run.folder.in_use and not stopped else "stopped",
        epoch=len(pieces.rows),
        epochs=_planned(pieces),
        ended="" if summary.get("stopped") == "all epochs done" else summary.get("stopped", ""),
        verdict=(),
        accuracies=accuracies(summary, pieces.rows, best, n, columns[0] if columns else None),
        rows=pieces.rows,
        times=pieces.times,
        members=members,
        voters=voters,
        sweep=pieces.recipe.sweep,
        winner=winner,
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
        notes=notes(pieces.rows, facts),
        recipe=pieces.toml,
        environment={name: shown(str(value)) for name, value in pieces.environment.items() if name != "command"},
        command=shown(command(pieces.environment.get("command", ()))),
    )
    verdict = how_good(report), what_helps(report, facts, summary)
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


def _facts(pieces: Pieces) -> Facts:
    """What the traps have to know; next to nothing before the recipe is decided, or where it is damaged."""
    from ravine.runs.watching import facts_of  # runs write what a report reads, so they know this room

    unknown = Facts(classes=len(pieces.classes), sweep=bool(pieces.recipe.sweep))
    decided = pieces.rows and pieces.folder.recipe.is_file()
    return pieces.read(lambda: facts_of(pieces.folder), unknown) if decided else unknown


def _chosen(pieces: Pieces, summary: dict[str, Any]) -> tuple[tuple[int, ...], str]:
    """The members that predict, and the value of a sweep that they have; none before it has chosen."""
    from ravine.runs.sweep_result import in_words

    if not pieces.recipe.sweep:
        return tuple(range(pieces.recipe.members)), ""
    swept = summary.get("sweep")
    if not swept:
        return (), ""
    value = swept["values"][swept["winner"]]
    return tuple(value["members"]), in_words(value["settings"])


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
