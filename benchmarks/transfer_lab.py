"""The trainings of transfer.py: each is one cell of a table, that is done once."""

import json
import math
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from scipy import stats

import ravine
from ravine import data

Arrays = dict[str, np.ndarray]
QUIET = {"quiet": True, "device": "cpu"}
BY_TABLE = QUIET | {"budget": "none"}  # ways are compared: no clock


@dataclass(frozen=True)
class Cell:
    """One training: test accuracy of the best and the last epoch, and how long it took.

    Attributes:
        accuracy, last: 0 to 1.
        seconds: of the training with its validation, without start-up, saving and test; of a probe of everything.
        epochs: how many there were.
    """

    accuracy: float
    last: float
    seconds: float
    epochs: int = 0


class Kept:
    """Finished cells and pretrained networks.

    Args:
        path: the file that cells are kept in; networks lie in the folder beside it. None keeps nothing.
        scratch: a folder for the networks then.
    """

    def __init__(self, path: Path | None, scratch: Path):
        self.path, self.runs = path, path.with_suffix(".runs") if path else scratch
        self._cells = json.loads(path.read_text()) if path and path.exists() else {}

    def cell(self, key: str, make: Callable[[], Cell]) -> Cell:
        """The cell of this key, made where it is not there yet."""
        if key not in self._cells:
            self._cells[key] = asdict(make())
            if self.path:
                half = self.path.with_suffix(".tmp")
                half.write_text(json.dumps(self._cells, indent=1) + "\n")
                half.replace(self.path)
        return Cell(**self._cells[key])


def pretrained(kept: Kept, name: str, images: Arrays, **settings: Any) -> Path:
    """The folder of a network trained on these images; a run that was interrupted goes on."""
    run = ravine.train(images, out=kept.runs, name=name, **BY_TABLE, **settings)
    best = run.summary["best"]["val"]
    scored = f"{best['accuracy']:.1%} of {best['n']:,} validation images"
    print(f"\npretrained: {run.recipe.model}, {run.recipe.epochs} epochs, {scored}")
    return run.path


def tuned(images: Arrays, seed: int, weights: str | Path, **settings: Any) -> Cell:
    """`ravine finetune`."""
    with tempfile.TemporaryDirectory() as out:
        return _finished(ravine.finetune(weights, images, out=out, seed=seed, **BY_TABLE, **settings))


def scratch(images: Arrays, seed: int, weights: str | Path | None = None, **settings: Any) -> Cell:
    """`ravine train`, with the network of the pretrained weights where no other is named."""
    if weights is not None and "model" not in settings:
        settings["model"] = ravine.Run(weights).recipe.model
    with tempfile.TemporaryDirectory() as out:
        return _finished(ravine.train(images, out=out, seed=seed, **BY_TABLE, **settings))


def probed(images: Arrays, seed: int, weights: str | Path) -> Cell:
    """`ravine probe`: a linear probe on what the head is given; its strength is chosen on validation."""
    started = time.perf_counter()
    found = ravine.probe(weights, images, seed=seed, **QUIET)
    accuracy = found.blocks[0].linear.accuracy
    return Cell(accuracy, accuracy, time.perf_counter() - started)


def with_images(
    dataset: data.Dataset, classes: Sequence[str], count: int | None, seed: int, judging: int = 0
) -> Arrays:
    """Some classes of a data set, with `count` training images each (None: all there are), drawn by the seed.

    The test images are the data set's; where it has none, `judging` a class that are drawn before the training images.
    """
    train, test = dataset.splits["train"], dataset.splits.get("test")
    rows, aside = [], []
    for name in classes:
        of = np.flatnonzero(train.y == dataset.classes.index(name))
        of = np.random.default_rng([seed, dataset.classes.index(name)]).permutation(of)
        aside.append(of[:judging])
        rows.append(of[judging:][:count])
        if count and len(rows[-1]) < count:
            raise SystemExit(f"{name} has only {len(rows[-1])} images beside {judging} for the test, not {count}")
    source, order = (train, aside) if test is None else (test, [_of(test, dataset, name) for name in classes])
    arrays = {"x": train.take(np.concatenate(rows)), "y": _labels(rows), "classes": np.array(classes)}
    judges = np.concatenate(order)
    return arrays | ({"x_test": source.take(judges), "y_test": _labels(order)} if len(judges) else {})


def mean_interval(values: np.ndarray, form: str) -> str:
    """Mean and 95% interval over seeds (Student's t); the mean alone for one seed."""
    if len(values) < 2:
        return format(values.mean(), form)
    half = stats.t.ppf(0.975, len(values) - 1) * values.std(ddof=1) / math.sqrt(len(values))
    low, high = values.mean() - half, values.mean() + half
    return f"{values.mean():{form}} ({low:{form}} to {high:{form}})"


def _finished(run: ravine.Run) -> Cell:
    summary = run.summary
    seconds = sum(summary["seconds"][part] for part in ("data", "compute", "validation"))
    best, last = (summary[which]["test"]["accuracy"] for which in ("best", "last"))
    return Cell(best, last, seconds, summary["epochs"])


def _of(split: data.Split, dataset: data.Dataset, name: str) -> np.ndarray:
    return np.flatnonzero(split.y == dataset.classes.index(name))


def _labels(rows: Sequence[np.ndarray]) -> np.ndarray:
    return np.repeat(np.arange(len(rows)), [len(of) for of in rows])
