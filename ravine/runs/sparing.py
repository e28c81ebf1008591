"""What a training can do without, such as its report or a tracker: where that fails, one warning, and it goes on."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress

import torch

from ravine.runs.observing import Observer, Row
from ravine.runs.run import Run
from ravine.training.console import Console


@contextmanager
def spared(what: str, console: Console, cure: str = "") -> Iterator[None]:
    """Whatever fails inside the block is warned of, once for each `what` that there then is not."""
    try:
        yield
    except Exception as error:
        reason = ". ".join(filter(None, (str(error) or type(error).__name__, cure)))
        with suppress(OSError):  # the log may be on the same full disk
            console.warn(f"no {what}, and the training goes on: {reason}", once=what)


class Spared(Observer):
    """An observer that is told no more once it has failed."""

    def __init__(self, observer: Observer, console: Console):
        self._observer, self._console = observer, console
        self._failed = False

    def begin(self, run: Run) -> None:
        self._tell(lambda: self._observer.begin(run))

    def epoch(self, row: Row, times: Row, weights: Mapping[str, torch.Tensor]) -> None:
        self._tell(lambda: self._observer.epoch(row, times, weights))

    def end(self, run: Run) -> None:
        self._tell(lambda: self._observer.end(run))

    def _tell(self, call: Callable[[], None]) -> None:
        if self._failed:
            return
        self._failed = True
        with spared(type(self._observer).__name__, self._console):
            call()
            self._failed = False
