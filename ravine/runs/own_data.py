"""The data that a trained network is judged on: its own held-out images, or others."""

import os
from pathlib import Path
from typing import Any

from ravine import data
from ravine.errors import UsageError
from ravine.prediction import Predictor
from ravine.recipe import Recipe
from ravine.runs.defaults import with_held_out
from ravine.runs.run import Run
from ravine.runs.running import data_of
from ravine.runs.unseen import unseen
from ravine.seen import Seen
from ravine.training.console import Console


def own_data(
    path: str | os.PathLike[str],
    trained: Predictor,
    source: Any = None,
    cache: str | os.PathLike[str] | None = None,
    console: Console | None = None,
    beside: Predictor | None = None,
) -> data.Dataset:
    """The data behind a run or a weights file; what was cut off for validation and test is cut off in the same way.

    Args:
        path: the run's folder or the weights file.
        trained: the network that was loaded from it.
        source: other data, or where the data is now; None for where it was.
        cache: where decoded images are kept.
        console: shows progress and warnings.
        beside: another network that is judged on the same images: only those are left that none was trained on.

    Raises:
        UsageError: a weights file, which does not say where its data is, without `source`. DataError: no data there, or
            no image that `beside` has not been trained on.
    """
    console = console or Console(quiet=True)
    if source is not None:
        dataset = trained.open(source, cache=cache, progress=console.decoding)
    elif Path(path).is_dir():
        dataset, _ = data_of(Run(path), None, cache, console)
    else:
        cure = "Give --data PLACE, or a run's folder"
        raise UsageError("a weights file does not say where its data is", where=str(path), cure=cure)
    console.close()
    for warning in dataset.findings.warnings:
        console.warn(warning.text)
    parts = [*trained.parts, *(beside.parts if beside else ())]
    if beside and any(dataset.fingerprint == part.about.get("fingerprint") for part in parts):
        dataset, notes = unseen(parts, Seen.of([dataset]))
        for note in notes:
            console.warn(note)
    elif dataset.fingerprint == trained.about.get("fingerprint"):
        dataset, _ = with_held_out(dataset, Recipe.from_toml(trained.about["recipe"], trained.name))
    return dataset
