"""Weights other than those that are trained: averages along the way, which are what is evaluated and used.

    average = EMA(model.parameters(), decay=0.999)
    ...
    optimizer.step()
    average.update()
    ...
    with average.applied():
        evaluate(model)

Batch norm's statistics belong to the trained weights, not to the average: see `recompute_statistics`.
"""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import torch


class Average:
    """Base of `EMA`, `SWA` and `Lookahead`.

    Args:
        weights: tensors that are changed in place by training: parameters, or a population's one matrix.

    Attributes:
        weights: the trained ones.
        averages: one for each, moved by `update`.
        updates: how many averagings there were.
        begun: whether there is an average yet; before, `applied` leaves the weights alone.
    """

    def __init__(self, weights: Iterable[torch.Tensor]):
        self.weights = [w.detach() for w in weights]
        self.averages = [w.clone() for w in self.weights]
        self.updates = 0

    def update(self, progress: float = 1.0) -> None:
        """After each optimizer step; `progress` is the share of the training that is done."""
        raise NotImplementedError

    @property
    def begun(self) -> bool:
        return self.updates > 0

    @contextmanager
    @torch.no_grad()
    def applied(self) -> Iterator[None]:
        """Inside the block the weights are the averages; after it they are as before, bit by bit."""
        if not self.begun:
            yield
            return
        kept = [w.clone() for w in self.weights]
        self._write(self.averages)
        try:
            yield
        finally:
            self._write(kept)

    def state_dict(self) -> dict[str, Any]:
        """What `load_state_dict` goes on from."""
        return {"averages": self.averages, "updates": self.updates}

    @torch.no_grad()
    def load_state_dict(self, state: dict[str, Any]) -> None:
        """The reverse of `state_dict`."""
        for mine, saved in zip(self.averages, state["averages"], strict=True):
            mine.copy_(saved)
        self.updates = int(state["updates"])

    def _write(self, values: list[torch.Tensor]) -> None:
        for w, value in zip(self.weights, values, strict=True):
            w.copy_(value)
