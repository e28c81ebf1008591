"""report.html, kept up with its training: written at the start, after epochs, and at the end, however that comes."""

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import torch

from ravine.checkpoints.run_folder import RunFolder
from ravine.runs.observing import Observer, Row
from ravine.runs.run import Run
from ravine.runs.sparing import spared
from ravine.training.console import Console

# The report is written again after an epoch only when so many times its cost have passed: at most 1% of a training.
PAUSE = 100
# The file has some megabytes, so that even a quick disk is spared where epochs take fractions of a second.
SHORTEST_PAUSE = 2.0


@contextmanager
def reporting(folder: RunFolder, console: Console) -> Iterator["Reporter"]:
    """An observer that writes the folder's report.html; whatever is raised inside, the page says that it stopped."""
    reporter = Reporter(folder, console)
    try:
        yield reporter
    except BaseException:
        reporter.write(stopped=True)
        raise


class Reporter(Observer):
    """Writes the report. Where it cannot, it says so once, and the training goes on."""

    def __init__(self, folder: RunFolder, console: Console):
        self._folder, self._console = folder, console
        self._due = 0.0

    def begin(self, run: Run) -> None:
        self.write()
        self._due = time.monotonic() + SHORTEST_PAUSE  # the first one also loads what the others find loaded

    def epoch(self, row: Row, times: Row, weights: Mapping[str, torch.Tensor]) -> None:
        if time.monotonic() >= self._due:
            self.write()

    def end(self, run: Run) -> None:
        self.write()

    def write(self, *, stopped: bool = False) -> None:
        """Writes the report as things are now."""
        started = time.monotonic()
        with spared(self._folder.report.name, self._console, f"ravine report {self._folder.path} writes it later"):
            write_report(self._folder, stopped=stopped)
        ended = time.monotonic()
        self._due = ended + max(SHORTEST_PAUSE, PAUSE * (ended - started))


def write_report(folder: RunFolder, *, stopped: bool = False) -> None:
    """Writes a run's report.html from what its folder holds; `stopped` as of `report_of`.

    Raises:
        SaveError: the file system refused. UsageError: a folder of several trainings.
    """
    from ravine.report import report_of
    from ravine.report.report_page import report_page

    report = report_of(Run(folder.path), stopped=stopped)
    folder.write_text(folder.report.name, report_page(report))
