"""A sweep's result as a table on stdout."""

from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

_WIDTH = 110  # of the table, also where no terminal says how wide it is


def print_sweep(found: dict[str, Any], *, tested: bool) -> None:
    """A row a value, the verdict, and what it rests on.

    Args:
        found: `summary["sweep"]`.
        tested: whether the winner was scored on test images.
    """
    out = Console(soft_wrap=True, highlight=False)
    seeds, n = found["seeds"], found["n"]
    names = list(found["values"][0]["settings"])
    heads = ["members", f"val accuracy (n = {n:,})", "val loss", "points to best, over images"]
    heads += ["over seeds"] if seeds > 1 else []
    table = Table(*(escape(name) for name in names), *heads, box=None, header_style="bold", pad_edge=False)
    for i, value in enumerate(found["values"]):
        table.add_row(*_row(value, i == found["winner"], seeds), style="bold" if i == found["winner"] else None)
    out.print()
    Console(width=max(out.width, _WIDTH), highlight=False).print(table)
    out.print(f"{found['verdict']}.")
    out.print(f"the run predicts with the vote of its members, {_who(found['values'][found['winner']])}: scored above.")
    for edge in found["edges"]:
        out.print(f"{edge}. Widen --sweep.")
    luck = "that of the seeds stands beside it" if seeds > 1 else "with one seed each, the luck of a seed is not in it"
    out.print(f"intervals are 95%, each on its own; paired over the validation images; {luck}.")
    judged = "test, scored for the winner alone, does not" if tested else "hold out a test set with --test 0.2"
    out.print(f"validation chose epochs and winner, so its accuracy flatters the winner; {judged}.")


def _row(value: dict[str, Any], winner: bool, seeds: int) -> list[str]:
    scored, members = len(value["scored"]), len(value["members"])
    who = _who(value) + (f", {len(value['frozen'])} froze" if value["frozen"] else "")
    who += f", {scored} of {members} scored" if scored < members else ""
    loss = "-" if value["loss"] is None else f"{value['loss']:.4f}"
    low, high = value["accuracy_interval"] or (0, 0)
    accuracy = f"{value['accuracy']:.1%} ({100 * low:.1f} to {100 * high:.1f})" if scored else "-"
    row = [*(f"{setting:g}" for setting in value["settings"].values()), who, accuracy, loss]
    if winner:
        return [*row, "best"]
    paired = value["difference"] is not None
    row.append(f"{100 * value['difference']:+.1f} {_interval(value['over_images'])}" if paired else "-")
    return [*row, _interval(value["over_seeds"])] if seeds > 1 else row


def _who(value: dict[str, Any]) -> str:
    first, last = value["members"][0], value["members"][-1]
    return str(first) if first == last else f"{first}-{last}"


def _interval(interval: list[float] | None) -> str:
    return "-" if interval is None else f"({100 * interval[0]:+.1f} to {100 * interval[1]:+.1f})"
