"""A run: a training that happened, or is happening, in a folder of its own.

run = ravine.train("photos/", epochs=20)
run.best.predict("new.jpg")
"""

import os
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ravine.checkpoints.run_folder import RunFolder
from ravine.ensemble import Ensemble
from ravine.errors import UsageError
from ravine.loading import load
from ravine.recipe import Recipe
from ravine.trained import Trained

if TYPE_CHECKING:
    from pandas import DataFrame
    from plotly.graph_objects import Figure


class Run:
    """A run's folder, read.

    Attributes:
        path: the folder.
        summary: results at the end: accuracies with intervals, confusions, times; {} while training.
        metrics: a dictionary per epoch.
        recipe: everything that was decided.
        best, last: the trained networks, ready to predict; an `Ensemble` for the folds of `kfold`.
    """

    def __init__(self, path: str | os.PathLike[str]):
        self.path = Path(path)
        self.folder = RunFolder(self.path)
        self.folder.check()

    @property
    def summary(self) -> dict[str, Any]:
        return self.folder.read_json("summary.json") or {}

    @property
    def metrics(self) -> list[dict[str, Any]]:
        return self.folder.read_rows("metrics.jsonl")

    @property
    def recipe(self) -> Recipe:
        return Recipe.read(self.folder.recipe)

    @cached_property
    def best(self) -> Trained | Ensemble:
        return load(self.path, use="best")

    @cached_property
    def last(self) -> Trained | Ensemble:
        return load(self.path, use="last")

    def plot(self) -> "Figure":
        """Accuracy, loss and learning rate over the epochs, as a figure of plotly's that notebooks show."""
        from ravine.report import figures, report_of

        return figures.curves(report_of(self))

    def confusion(self) -> "Figure":
        """What the best weights take for what, on test or else validation. Empty before the end."""
        from ravine.report import figures, report_of

        return figures.confusion(report_of(self))

    def errors(self) -> "Figure":
        """The most confident errors of the best weights as thumbnails. Empty before the end."""
        from ravine.report import figures, report_of

        return figures.errors(report_of(self))

    def to_frame(self) -> "DataFrame":
        """A row an epoch: metrics and seconds, as in results.csv, with "epoch" as the index.

        Raises:
            UsageError: pandas is not installed.
        """
        try:
            from pandas import DataFrame
        except ImportError:
            raise UsageError("needs pandas", where="to_frame", cure="pip install pandas, or read results.csv") from None
        times = {row["epoch"]: row for row in self.folder.read_rows("times.jsonl")}
        rows = [{**row, **times.get(row["epoch"], {})} for row in self.metrics]
        return DataFrame(rows).set_index("epoch") if rows else DataFrame()

    def __repr__(self) -> str:
        best = self.summary.get("best", {}).get("val", {})
        return f"Run({str(self.path)!r}" + (f", val accuracy {best['accuracy']:.1%})" if best else ", unfinished)")
