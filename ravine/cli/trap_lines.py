"""The traps of a training, in at most three lines of its results."""

from collections.abc import Sequence
from typing import Any

from rich.console import Console
from rich.markup import escape

_MOST = 3


def print_traps(traps: Sequence[dict[str, Any]], out: Console) -> None:
    """A line each, as in summary.json; the third of many says how many more there are."""
    shown = traps if len(traps) <= _MOST else traps[: _MOST - 1]
    for trap in shown:
        out.print("trap: {name} (epoch {epoch}): {evidence}. Try {remedy}".format_map(_escaped(trap)), style="yellow")
    if len(traps) > len(shown):
        names = ", ".join(trap["name"] for trap in traps[len(shown) :])
        out.print(f"and {len(traps) - len(shown)} traps more, in summary.json: {escape(names)}", style="yellow")


def _escaped(trap: dict[str, Any]) -> dict[str, str]:
    return {name: escape(str(value)) for name, value in trap.items()}
