"""What a training shows while it runs: one bar in a terminal, one rewritten line in a notebook, plain lines elsewhere.

Everything goes to stderr, and as plain text to the run's log; results belong to stdout.
"""

import math
import sys
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

from rich.console import Console as Terminal
from rich.markup import escape
from rich.progress import BarColumn, Progress, TextColumn

_UPDATES_A_SECOND = 4
_PLAIN_SECONDS = 30.0  # between two lines about the same work, where no one looks at a terminal


class Console:
    """Shows progress and keeps what was said.

    Args:
        quiet: say nothing but warnings.
        terminal: where to write; stderr where None.
    """

    def __init__(self, *, quiet: bool = False, terminal: Terminal | None = None):
        self.terminal = terminal or Terminal(stderr=True, soft_wrap=True, highlight=False, force_jupyter=False)
        self.quiet = quiet
        self.notebook = _in_a_kernel() and not self.terminal.is_terminal
        self.log: Path | None = None
        self._unlogged: list[str] = []
        self._warned: set[str] = set()
        self._bar: Progress | None = None
        self._shown = 0.0
        self._started = 0.0
        self._first: int | None = None

    def say(self, text: str, style: str = "") -> None:
        """A line."""
        self._keep(text)
        if not self.quiet:
            self._print(text, style)
        if not self._live:
            self._shown = time.monotonic()  # there is no silence to break for a while

    def warn(self, text: str, *, once: str = "") -> None:
        """A line that is shown even when quiet; of those that are named alike with `once`, the first alone."""
        if once in self._warned:
            return
        self._warned |= {once} if once else set()
        self._keep(f"warning: {text}")
        self._print(f"warning: {text}", "yellow")

    def log_to(self, path: Path) -> None:
        """From now on, and with what was said so far, lines go to this file as well."""
        self.log = path
        for line in self._unlogged:
            self._keep(line)
        self._unlogged = []

    def decoding(self, done: int, total: int) -> None:
        """Shows how many images are decoded."""
        self._advance(done, total, lambda: f"decoding {done:,}/{total:,} images")
        if done >= total:
            self.close()

    def measuring(self, done: int, total: int) -> None:
        """Shows at how many points of a landscape the loss is known."""
        self._advance(done, total, lambda: f"loss at {done:,}/{total:,} points")
        if done >= total:
            self.close()

    def passing(self, done: int, total: int) -> None:
        """Shows how many forward passes are done."""
        self._advance(done, total, lambda: f"forward pass {done:,}/{total:,}")
        if done >= total:
            self.close()

    def training(self, done: int, total: int, describe: Callable[[], str], batch: int) -> None:
        """Shows how many steps are done; `describe` is called only when something is about to be drawn.

        `batch` is the number of images in a step, for the speed; it and the time left are means since the first call.
        """
        if self._first is None:
            self._started, self._first = time.monotonic(), done
        speed = (done - self._first) / max(time.monotonic() - self._started, 1e-9)
        left = f"  {timedelta(seconds=round((total - done) / speed))} left" if speed else ""
        self._advance(done, total, lambda: f"{describe()}  {batch * speed:,.0f} images/s{left}")

    def close(self) -> None:
        """Removes the bar."""
        if self._bar:
            self._bar.stop()
            self._bar = None
        elif self.notebook and self._shown and not self.quiet:
            print("\r" + " " * 100 + "\r", end="", file=sys.stderr)
        self._shown = 0.0

    @property
    def _live(self) -> bool:
        """Whether someone sees a line change."""
        return self.notebook or self.terminal.is_terminal

    def _advance(self, done: int, total: int, describe: Callable[[], str]) -> None:
        now = time.monotonic()
        if self._shown == 0.0 and not self._live:
            self._shown = now
        pause = 1 / _UPDATES_A_SECOND if self._live else _PLAIN_SECONDS
        if self.quiet or (now - self._shown < pause and (done < total or not self._live)):
            return
        self._shown = now
        if self.notebook:
            print(f"\r{describe():<100}", end="", file=sys.stderr, flush=True)
        elif self.terminal.is_terminal:
            if self._bar is None:
                columns = (BarColumn(bar_width=24), TextColumn("{task.description}", markup=False))
                self._bar = Progress(*columns, console=self.terminal, transient=True, auto_refresh=False)
                self._bar.start()
                self._bar.add_task("", total=total)
            self._bar.update(self._bar.task_ids[0], completed=done, total=total, description=describe(), refresh=True)
        else:
            self.terminal.print(escape(describe()))

    def _print(self, text: str, style: str) -> None:
        if self.notebook:
            self.close()
        self.terminal.print(escape(text), style=style or None)

    def _keep(self, text: str) -> None:
        if self.log is None:
            self._unlogged.append(text)
            return
        with self.log.open("a", encoding="utf-8", errors="surrogateescape") as file:
            file.write(text + "\n")


def _in_a_kernel() -> bool:
    """Whether a Jupyter kernel runs this code; what talks to kernels imports ipykernel, too, and is none."""
    interactive = sys.modules.get("IPython")
    return hasattr(interactive.get_ipython(), "kernel") if interactive else False


def epoch_line(row: dict[str, Any], times: dict[str, Any], epochs: int, best: bool, sweep: bool = False) -> str:
    """`epoch  3/10  loss 1.2345  train  55.1%  val  57.2% best  1,234 images/s`; a penalty stands behind the loss.

    Of a sweep it is `val up to  57.2%`, what its best member has.
    """
    width = len(str(epochs))
    penalty = f" + {row['train/penalty']:.4f}" if "train/penalty" in row else ""
    val = f"{'up to ' if sweep else ''}{shown_accuracy(row, sweep):6.1%}{' best' if best else '     '}"
    return (
        f"epoch {row['epoch']:{width}}/{epochs}  loss {row['train/loss']:.4f}{penalty}  "
        f"train {row['train/accuracy']:6.1%}  val {val}  "
        f"{times['images_per_second']:,.0f} images/s"
    )


def shown_accuracy(row: dict[str, Any], sweep: bool = False) -> float:
    """The validation accuracy of what predicts: the members' vote, where there are several.

    Members of a sweep differ in what is tried, so that their vote means nothing: the best of them.
    """
    if sweep:
        each = [share for name, share in row.items() if name.startswith("member") and name.endswith("/val/accuracy")]
        finite = [share for share in each if share is not None and math.isfinite(share)]
        return max(finite, default=row["val/accuracy"])
    return row.get("vote/val/accuracy", row["val/accuracy"])
