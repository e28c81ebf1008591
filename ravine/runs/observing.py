"""Who watches a training: a tracker, a report, code of your own.

class Telegram(ravine.Observer):
    def end(self, run):
        send(f"{run.path.name}: {run.summary['accuracy']:.1%}")

ravine.train("photos/", observers=[Telegram()])
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import torch

from ravine.runs.run import Run

Row = Mapping[str, Any]


class Observer:
    """Is told of a training at its beginning, after every epoch, and at its end; each method may be left out.

    What it does is its own matter: nothing that it is given is to be changed, and what it raises stops the training
    (which the same command takes up again).

    Attributes:
        dispensable: where it raises, there is one warning instead, and the training goes on without it.
    """

    dispensable = False

    def begin(self, run: Run) -> None:
        """Before the first step, and again where a run is taken up: `run.metrics` holds the epochs before."""

    def epoch(self, row: Row, times: Row, weights: Mapping[str, torch.Tensor]) -> None:
        """After an epoch.

        Args:
            row: its metrics, as in metrics.jsonl: "epoch", "train/loss", "val/accuracy", "lr", ...
            times: its seconds, as in times.jsonl.
            weights: what is trained, by name, `member03/conv.weight` where there are several members; they change with
                the next step, so copy what you keep.
        """

    def end(self, run: Run) -> None:
        """When all is done: `run.summary` is there. Not called where a training is stopped or fails."""


class _Rows(Observer):
    """A plain function that is called with each epoch's row."""

    def __init__(self, call: Callable[[Row], None]):
        self._call = call

    def epoch(self, row: Row, times: Row, weights: Mapping[str, torch.Tensor]) -> None:
        self._call(row)


def observers_of(given: Iterable[Observer | Callable[[Row], None]]) -> tuple[Observer, ...]:
    """Observers, each as it is or made of a function of an epoch's row."""
    return tuple(one if isinstance(one, Observer) else _Rows(one) for one in given)
