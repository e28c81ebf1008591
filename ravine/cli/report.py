"""`ravine report`: explain a run in one page, or compare several."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import tyro

from ravine.cli.flags import parse

if TYPE_CHECKING:
    from ravine.report.comparison import Comparison


@dataclass(frozen=True)
class Options:
    """Examples:
      ravine report runs/photos
      ravine report runs/photos -o for-the-boss.html
      ravine report runs/photos runs/photos-2 runs/other -o comparison.html

    One run: writes its report.html again, also of a run that is going on, was killed, or is of an earlier version.
    Several runs: their curves on one chart, which settings differ, and each against the first on the same images.
    """

    runs: Annotated[tuple[str, ...], tyro.conf.Positional, tyro.conf.arg(metavar="RUN...", help_behavior_hint="")]
    """Runs' folders."""
    out: Annotated[str, tyro.conf.arg(aliases=["-o"], metavar="FILE.html")] = ""
    """Where to write; empty is report.html in the run's folder, or comparison.html here."""


def run(arguments: Sequence[str]) -> int:
    options = parse(Options, arguments, "report")
    from ravine.errors import UsageError

    if not options.runs:
        raise UsageError("no runs given", where="ravine report", expected="runs' folders")
    if options.out and Path(options.out).suffix.lower() != ".html":
        raise UsageError("unknown ending", where=f"--out {options.out}", expected=".html")
    return _one(options) if len(options.runs) == 1 else _several(options)


def _one(options: Options) -> int:
    from ravine.report import report_of
    from ravine.report.report_page import report_page
    from ravine.runs.run import Run

    run = Run(options.runs[0])
    report = report_of(run)
    out = Path(options.out) if options.out else run.folder.report
    _write(out, report_page(report))
    print(" ".join(report.verdict))
    print(f"\n{out}  open it in a browser")
    return 0


def _several(options: Options) -> int:
    from ravine.report.comparison import compare
    from ravine.report.comparison_page import comparison_page
    from ravine.runs.run import Run

    found = compare([Run(run) for run in options.runs])
    out = Path(options.out or "comparison.html")
    _write(out, comparison_page(found))
    _print(found)
    print(f"\n{out}  open it in a browser")
    return 0


def _write(out: Path, text: str) -> None:
    from ravine.checkpoints import atomic
    from ravine.checkpoints.durable import saving

    with saving(out):
        atomic.write(out, [text.encode()])


def _print(found: "Comparison") -> None:
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    out = Console(soft_wrap=True, highlight=False)
    out.print(escape(found.verdict) + "\n")
    heads = ("run", "accuracy", "points more", "so it is")
    table = Table(*heads, box=None, header_style="bold", pad_edge=False)
    for i, (name, one) in enumerate(zip(found.names, found.accuracies, strict=True)):
        score = f"{one.accuracy:.1%} ({100 * one.low:.1f} to {100 * one.high:.1f})" if one else "no score yet"
        pair = found.paired[i - 1] if i else None
        more = str(pair.difference).replace(" points", "") if pair and pair.difference else ""
        table.add_row(escape(name), score, more, escape(pair.words) if pair else "")
    out.print(table)
    for name, pair in zip(found.names[1:], found.paired, strict=True):
        if pair.difference and pair.note:
            out.print(escape(f"{name}: {pair.note}"))
