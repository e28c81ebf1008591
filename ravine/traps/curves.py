"""Rows of metrics as curves: one array a column, up to some epoch."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

COLUMNS = ("lr", "frozen", "train/loss", "train/accuracy", "train/clean_accuracy", "val/loss", "val/accuracy")
COLUMNS += ("val/balanced_accuracy", "vote/val/balanced_accuracy", "grad_norm", "dead_units", "gradient_flow")


class Curves:
    """The columns of the rows up to one epoch, float64 `[epochs]` each, NaN where a row has no number."""

    def __init__(self, columns: Mapping[str, np.ndarray]):
        self._columns = columns

    @staticmethod
    def of(rows: Sequence[Mapping[str, Any]]) -> "Curves":
        """Those of rows as in metrics.jsonl; "epoch" counts from 1 where it is missing, and so may all others be."""
        columns = {"epoch": np.array([row.get("epoch", i) for i, row in enumerate(rows, 1)], np.float64)}
        for name in COLUMNS:
            values = [row.get(name) for row in rows]
            if any(value is not None for value in values):
                columns[name] = np.array([np.nan if value is None else float(value) for value in values])
        return Curves(columns)

    def __len__(self) -> int:
        return len(self._columns["epoch"])

    def __contains__(self, name: str) -> bool:
        return name in self._columns

    def __getitem__(self, name: str) -> np.ndarray:
        """A column; all NaN where no row has it. Comparisons with NaN are false, so what is unknown is no alarm."""
        return self._columns[name] if name in self else np.full(len(self), np.nan)

    @property
    def learned(self) -> np.ndarray:
        """Accuracy on training images: clean where it is known, else as it was while training."""
        clean = self["train/clean_accuracy"]
        return np.where(np.isnan(clean), self["train/accuracy"], clean)

    @property
    def balanced(self) -> np.ndarray:
        """Mean recall over the classes on validation, of the vote where there are several members."""
        vote = self["vote/val/balanced_accuracy"]
        return np.where(np.isnan(vote), self["val/balanced_accuracy"], vote)

    @property
    def epoch(self) -> int:
        """The last epoch."""
        return int(self._columns["epoch"][-1])

    def upto(self, rows: int) -> "Curves":
        """Those of the first rows: views, no copies."""
        return Curves({name: column[:rows] for name, column in self._columns.items()})
