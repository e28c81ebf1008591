"""What a run gets right so far, with intervals, and which epochs its best weights are of."""

from collections.abc import Mapping, Sequence
from typing import Any, Literal

from ravine.interval import wilson
from ravine.report.facts import Accuracy

Which = Literal["best", "last"]
_FEW = 100  # validation images: their accuracies differ by 5 points from one draw to the next, at 50%


def accuracies(
    summary: Mapping[str, Any],
    rows: Sequence[Mapping[str, Any]],
    best: tuple[int, ...],
    n: int,
    column: str | None = "val/accuracy",
) -> tuple[Accuracy, ...]:
    """Of the best and the last weights: on all held-out splits at the end, on validation before.

    Args:
        summary: summary.json, {} while training.
        rows: metrics.jsonl.
        best: the epochs of the best weights.
        n: validation images; 0 where it is not known, and the interval says as much.
        column: of the rows, that of what predicts; None before it is known.
    """
    if summary:
        of: tuple[tuple[Which, tuple[int, ...]], ...] = (("best", best), ("last", (summary["epochs"],)))
        return tuple(_scored(which, epochs, split, summary) for split in summary["best"] for which, epochs in of)
    scored = [row for row in rows if column and row.get(column) is not None]
    if not scored or column is None:
        return ()
    # of several members each has its own best epoch, and what they would say together then is not in the rows
    best_row, last_row = max(scored, key=lambda row: _score(row, column)), scored[-1]
    return (
        _so_far("best", best_row["epoch"], best_row[column], n),
        _so_far("last", last_row["epoch"], last_row[column], n),
    )


def best_epochs(summary: Mapping[str, Any], rows: Sequence[Mapping[str, Any]], members: int) -> tuple[int, ...]:
    """The epoch of each member's best weights: the highest validation accuracy, at equal ones the lowest loss."""
    if summary:
        best = summary["best_epoch"]
        return tuple(best) if isinstance(best, list) else (best,)
    prefixes = [f"member{k:02d}/" for k in range(members)] if members > 1 else [""]
    scored = [[row for row in rows if row.get(f"{prefix}val/accuracy") is not None] for prefix in prefixes]
    if not rows or not all(scored):
        return ()

    columns = [f"{prefix}val/accuracy" for prefix in prefixes]
    return tuple(max(own, key=lambda row: _score(row, of))["epoch"] for own, of in zip(scored, columns, strict=True))


def by_luck(found: Sequence[Accuracy]) -> str:
    """A sentence where the best epoch may be so by luck, "" elsewhere.

    That is where few validation images chose it, it lies in the first half, and the last one is inside its interval.
    """
    of = {one.which: one for one in found if one.split == "val"}
    if len(of) < 2:
        return ""
    best, last = of["best"], of["last"]
    if best.n >= _FEW or 2 * max(best.epochs) > last.epochs[0] or last.accuracy < best.low:
        return ""
    which = ", ".join(map(str, sorted(set(best.epochs))))
    return (
        f"Best is epoch{'s' * (',' in which)} {which} of {last.epochs[0]}, chosen on {best.n} validation images, "
        "which cannot tell it from the last one: that may be luck."
    )


def _score(row: Mapping[str, Any], column: str) -> tuple[float, float]:
    """By which epochs are compared: the accuracy of a column, at equal ones the loss beside it."""
    loss = row.get(column.removesuffix("accuracy") + "loss")
    return row[column], -loss if loss is not None else float("-inf")


def _scored(which: Which, epochs: tuple[int, ...], split: str, summary: Mapping[str, Any]) -> Accuracy:
    score = summary[which][split]
    low, high = score["accuracy_interval"]
    return Accuracy(which, epochs, split, score["accuracy"], low, high, score["n"])


def _so_far(which: Which, epoch: int, share: float, n: int) -> Accuracy:
    low, high = wilson(share * n, n)
    return Accuracy(which, (epoch,), "val", share, low, high, n)
