"""An ensemble's report in a terminal: what a person wants to know first, then who is how good, then what it costs."""

from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

_MOST_ROWS = 10  # members that are listed one by one
_LONGEST_NAME = 40  # characters of a member's name that are shown
_WIDTH = 400  # more than any table has: numbers are never shortened, a narrow terminal wraps


def print_ensemble(found: dict[str, Any]) -> None:
    """Prints what `EnsembleReport.to_json` gave, or what of it a run's summary has kept (NaN as null)."""
    out = Console(soft_wrap=True, highlight=False)
    out.print(f"\n[bold]{escape(found['verdict'])}[/bold]")
    for note in found["notes"]:
        out.print(f"[yellow]{escape(note)}[/yellow]")
    wide = Console(width=max(out.width, _WIDTH), highlight=False)
    for table in (_qualities(found), _gains(found), _numbers(found)):
        wide.print(table)
        out.print()
    if found["weights"]:
        shares = [f"{one['name']} {w:.3g}" for one, w in zip(found["each"], found["weights"], strict=True)]
        out.print(f"weights of the vote: {escape(', '.join(shares))}")
    vote = found["vote"]
    if vote["temperature"] is not None:
        after, ece = vote["loss_after"], vote["expected_calibration_error_after"]
        fitted = f"at temperature {_temperature(vote)}, fitted on validation: loss {after:.3f}, ECE {ece:.1%}"
        before = f"loss {vote['loss']:.3f}, ECE {vote['expected_calibration_error']:.1%}"
        out.print(f"the vote's calibration: {before}; {fitted}")
    agree, errors = found["disagreement"]["mean"], found["error_correlation"]["mean"]
    out.print(f"two members disagree on {agree:.1%} of the images; their errors correlate by {_number(errors)}")
    for line in _costs(found["costs"], found["members"]):
        out.print(line)


def _qualities(found: dict[str, Any]) -> Table:
    cooled = found["vote"]["temperature"] is not None
    heads = ["accuracy (95%)", "loss", "Brier", "ECE", *(["at temperature"] if cooled else [])]
    table = _table(f"{found['scored_on']}, n = {found['n']:,}", *heads)
    best = found["best_member"]
    rows = [("vote", found["vote"]), ("mean member", found["mean_member"])]
    rows += [(f"best on validation: {best['name']}", best)] if best else []
    rows += [(one["name"], one) for one in found["each"]] if found["members"] <= _MOST_ROWS else []
    for name, row in rows:
        interval = row["accuracy_interval"]
        sure = f" ({100 * interval[0]:.1f} to {100 * interval[1]:.1f})" if interval else ""
        values = [f"{row['loss']:.3f}", f"{row['brier']:.3f}", f"{row['expected_calibration_error']:.1%}"]
        if cooled:
            values.append(f"{row['expected_calibration_error_after']:.1%} at {_temperature(row)}")
        name = name if len(name) <= _LONGEST_NAME else f"{name[: _LONGEST_NAME - 1]}…"
        table.add_row(escape(name), f"{row['accuracy']:.1%}{sure}", *values)
    return table


def _gains(found: dict[str, Any]) -> Table:
    gains = [of["accuracy"] for of in found["gain"].values() if of]
    known = any(of["trainings"] for of in gains)  # not of two members, folds or snapshots
    table = _table("gain, 95%", "points", "new images", *(["new trainings"] * known), "loss", "new images")
    for name, words in (("over_mean", "over mean member"), ("over_best", "over best on validation")):
        of = found["gain"][name]
        if of:
            accuracy, loss = of["accuracy"], of["loss"]
            spans = [_span(accuracy[of], 100, 1) for of in ("images", *(["trainings"] * known))]
            lower = f"{-loss['value']:+.3f}", _span([b and -b for b in reversed(loss["images"])], 1, 3)
            table.add_row(words, f"{100 * accuracy['value']:+.1f}", *spans, *lower)
    return table


def _numbers(found: dict[str, Any]) -> Table:
    """Accuracy against the number of members, at most eight of them."""
    sizes = found["by_members"]
    step = -(-len(sizes) // 8)
    shown = [size for size in sizes if (size["members"] - 1) % step == 0 or size is sizes[-1]]
    table = _table("members", *(str(size["members"]) for size in shown))
    table.add_row("accuracy, mean", *(f"{size['accuracy']:.1%}" for size in shown))
    table.add_row("  sd of subsets", *(f"{100 * size['accuracy_sd']:.1f}" for size in shown))
    table.add_row("loss", *(f"{size['loss']:.3f}" for size in shown))
    return table


def _costs(costs: dict[str, Any] | None, members: int) -> list[str]:
    if not costs:
        return []
    sizes = sorted(set(costs["parameters"]))
    each = f"{sizes[0]:,}" if len(sizes) == 1 else f"{sizes[0]:,} to {sizes[-1]:,}"
    lines = [f"parameters  {each} a member, {sum(costs['parameters']):,} together"]
    if costs["training"] is not None:
        took, trained = costs["training"], costs.get("trained") or members
        whom = "all members" if trained == members else f"the pool of {trained} members"
        lines.append(f"training    {_seconds(took)} for {whom}, {_seconds(took / trained)} a member")
    one, every, n = costs["one"], costs["all"], costs["images"]
    speeds = f"{n / one:,.0f} images/s by the first member, {n / every:,.0f} by all ({every / one:.1f} times the time)"
    lines.append(f"prediction  {speeds}; {n} images on {escape(costs['device'])}, best of 3")
    return lines


def _seconds(seconds: float) -> str:
    return f"{seconds:,.1f} s" if seconds >= 0.1 else f"{1000 * seconds:.0f} ms"


def _temperature(row: dict[str, Any]) -> str:
    """With a mark where it lies at an end of what is tried, beyond which may be a better one."""
    from ravine.ensembles.calibration import COLDEST, HOTTEST

    at_an_end = row["temperature"] in (COLDEST, HOTTEST)
    return f"{row['temperature']:.2f}{' (limit)' if at_an_end else ''}"


def _number(value: float | None) -> str:
    return "- (a member makes no errors)" if value is None or value != value else f"{value:.2f}"


def _span(bounds: list[float] | None, scale: float, digits: int) -> str:
    if bounds is None or None in bounds:
        return "-"
    return " to ".join(f"{scale * bound:.{digits}f}" for bound in bounds)


def _table(*heads: str) -> Table:
    table = Table(box=None, header_style="bold", pad_edge=False)
    for head in heads:
        table.add_column(head, no_wrap=True)
    return table
