"""A run: a training that happened, or is happening, in a folder of its own.

run = ravine.train("photos/", epochs=20)
run.best.predict("new.jpg")
"""

import os
from functools import cached_property
from pathlib import Path
from typing import Any

from ravine.checkpoints.run_folder import RunFolder
from ravine.ensemble import Ensemble
from ravine.loading import load
from ravine.recipe import Recipe
from ravine.trained import Trained


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

    def __repr__(self) -> str:
        best = self.summary.get("best", {}).get("val", {})
        return f"Run({str(self.path)!r}" + (f", val accuracy {best['accuracy']:.1%})" if best else ", unfinished)")
