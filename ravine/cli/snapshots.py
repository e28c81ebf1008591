"""What the snapshots of a training come to, as a table on stdout."""

from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table


def print_snapshots(found: dict[str, Any], seconds: dict[str, float]) -> None:
    """Each snapshot's accuracy, the vote of all, and what it gains over the last one.

    Args:
        found: as `ravine.runs.snapshots.summary` gives it.
        seconds: what the one training took, as the run's summary has it.
    """
    out, splits = Console(soft_wrap=True, highlight=False), [name for name in ("val", "test") if name in found]
    heads = (f"{name} (n = {found[name]['n']:,})" for name in splits)
    table = Table("snapshot", "epoch", *heads, box=None, header_style="bold", pad_edge=False)
    for i, epoch in enumerate(found["epochs"]):
        table.add_row(str(i + 1), str(epoch), *(f"{found[name]['accuracy'][i]:.1%}" for name in splits))
    table.add_row("vote of all", "", *(f"{found[name]['vote_accuracy']:.1%}" for name in splits))
    out.print(table)
    for name in splits:
        out.print(f"the vote of the snapshots against the last one on {name}: {_gain(found[name])}")
    took, passes = seconds["data"] + seconds["compute"], len(found["epochs"])
    out.print(f"one training of {took:,.1f} s for all of them; a prediction by the vote costs {passes} times one's")
    out.print(f"snapshots     {escape(found['weights'])}  (ravine predict, evaluate and ensemble take it)")


def _gain(split: dict[str, Any]) -> str:
    gain, (low, high) = split["gain_over_last"], split["gain_interval"]
    if low == high:
        return "right and wrong on the same images"
    return f"{100 * gain:+.1f} points (95% {100 * low:+.1f} to {100 * high:+.1f}, paired over images)"
