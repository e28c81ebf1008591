"""Which columns of metrics.jsonl are of what predicts: the network's own, its members' vote, or a sweep's winners'."""

from collections.abc import Mapping, Sequence
from typing import Any

Rows = Sequence[Mapping[str, Any]]


def columns(name: str, rows: Rows, members: int, voters: Sequence[int]) -> tuple[str, ...]:
    """The columns `name` ("val/accuracy") of what predicts.

    Args:
        rows: metrics.jsonl. What no member has of its own is of all; where there is no vote, the mean stands for it.
        members: how many are trained.
        voters: those that predict: all of them, those of the value that a sweep chose, or none before it chose.

    Returns:
        One of the network or of the vote; one for each winner of a sweep; none before it chose.
    """
    if members == 1 or not any(f"member00/{name}" in row for row in rows):
        return (name,)
    if len(voters) < members:
        return tuple(f"member{k:02d}/{name}" for k in voters)
    vote = f"vote/{name}"
    return (vote if any(vote in row for row in rows) else name,)


def line(rows: Rows, columns: Sequence[str]) -> tuple[list[int | None], list[float | None]]:
    """Columns over their epochs as one line, x and y; with a gap after each where they are several."""
    gap = [None] * (len(columns) > 1)
    x: list[int | None] = []
    y: list[float | None] = []
    for column in columns:
        x += [*(row["epoch"] for row in rows), *gap]
        y += [*(row.get(column) for row in rows), *gap]
    return x, y
