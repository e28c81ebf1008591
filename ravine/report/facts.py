"""What a report says of a run: facts, without a word of HTML."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from ravine.report.judged import Judged
from ravine.report.mistakes import Mistakes
from ravine.report.seconds import Seconds

if TYPE_CHECKING:
    from ravine.traps import Trap


@dataclass(frozen=True)
class Accuracy:
    """What some weights of a run get right, with its 95% interval (Wilson).

    Attributes:
        which: "best" or "last".
        epochs: the epochs of the weights: one, or one for each member that votes.
        split: "val" or "test".
        accuracy, low, high: shares of 1.
        n: images.
    """

    which: Literal["best", "last"]
    epochs: tuple[int, ...]
    split: str
    accuracy: float
    low: float
    high: float
    n: int


@dataclass(frozen=True)
class Report:
    """A run at this moment. What the folder does not have (yet) is None or empty.

    Names of files and classes are texts that can be printed and encoded: line breaks, control characters and bytes
    that are no UTF-8 are escaped. They are not escaped for HTML.

    Attributes:
        name, path: of the run's folder.
        state: "training" where a process holds its lock, "finished", or "stopped".
        epoch, epochs: done, and planned.
        ended: why it ended before all epochs were done: "patience 5"; empty elsewhere.
        verdict: how good, with its interval and on what (and whether the best epoch may be luck); what would help most.
        accuracies: of the best and the last weights, on validation and on test; while training of validation so far.
        rows: metrics.jsonl, a dictionary an epoch.
        times: times.jsonl, as `rows`.
        members: K.
        voters: the members that predict: all, or those of the value that a sweep chose; none before it chose.
        sweep: what was swept ("lr=[0.001, 0.01]"); empty where nothing was.
        winner: the value that a sweep chose ("lr=0.01"); empty before.
        best_epochs: of each member that votes; empty before the first score.
        classes: names, in the order of the confusion matrix.
        judged: the best weights on the split that counts, test or else validation; None before the end.
        mistakes: what they get wrong; None without predictions.csv.
        augmentation: PNG, training images and what the augmentation makes of them; None where nothing is augmented.
        findings: of the check of the data, ("error" or "warning", text).
        counts: images by split and class.
        seconds: where the time went; None before the first epoch.
        notices: what was decided, skipped, substituted or fell back, as it was said; "warning: " stands before some.
        traps: what the training fell into.
        notes: what looks like a trap and is none, a sentence each.
        recipe: TOML.
        environment: versions and machine, by name.
        command: as one would type it again; empty where it was no command but Python.
    """

    name: str
    path: str
    state: Literal["training", "stopped", "finished"]
    epoch: int
    epochs: int
    ended: str
    verdict: tuple[str, ...]
    accuracies: tuple[Accuracy, ...]
    rows: list[dict[str, Any]]
    times: list[dict[str, Any]]
    members: int
    voters: tuple[int, ...]
    sweep: str
    winner: str
    best_epochs: tuple[int, ...]
    classes: tuple[str, ...]
    judged: Judged | None
    mistakes: Mistakes | None
    augmentation: bytes | None
    findings: tuple[tuple[str, str], ...]
    counts: dict[str, dict[str, int]]
    seconds: Seconds | None
    notices: tuple[str, ...]
    traps: "tuple[Trap, ...]"
    notes: tuple[str, ...]
    recipe: str
    environment: dict[str, str]
    command: str
