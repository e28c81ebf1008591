"""A distilled student beside its teacher, on images that both have not learned from."""

import os
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from ravine import data
from ravine.ensembles import Difference, difference, vote
from ravine.interval import wilson
from ravine.loading import load
from ravine.prediction import Predictor
from ravine.recipe import Recipe
from ravine.runs.distill import SPLIT, lesson_of
from ravine.runs.judging import costs
from ravine.runs.own_data import own_data
from ravine.runs.run import Run


@dataclass(frozen=True)
class Judged:
    """One network on the images that all are compared on.

    Attributes:
        name: whose.
        accuracy, interval: share of right answers, and its 95% interval.
        parameters: weights in all members.
        images_per_second: predicted on the CPU, the best of three.
    """

    name: str
    accuracy: float
    interval: tuple[float, float]
    parameters: int
    images_per_second: float


@dataclass(frozen=True)
class Comparison:
    """A student beside its teacher, on the same images.

    Attributes:
        said: what they are, "the test split (360 images)".
        networks: teacher, student and, where one was given, the network to compare with.
        over_teacher, over_other: the student's accuracy minus theirs, paired over images.
        agreement: share of images that student and teacher call the same.
        notes: sentences that belong to it.
    """

    said: str
    networks: tuple[Judged, ...]
    over_teacher: Difference
    over_other: Difference | None
    agreement: float
    notes: tuple[str, ...]

    def to_json(self) -> dict[str, Any]:
        """Plain numbers."""
        return {**asdict(self), "networks": [asdict(one) for one in self.networks]}


def compare(
    run: Run, source: Any = None, other: str | None = None, *, cache: str | os.PathLike[str] | None = None
) -> Comparison:
    """The student of a finished run beside its teacher and, if given, another network.

    On the test split, else on validation, which chose the student's best epoch.

    Args:
        run: that `distill` gave.
        source: its data, where that was arrays.
        other: a run or a weights file, such as the same student trained on the labels alone.

    Raises:
        UsageError: the run had no teacher. DataError: data or teacher are gone or changed.
    """
    networks: dict[str, Predictor] = {"teacher": lesson_of(run)[1], "student": load(run.path)}
    if other:
        networks[other] = load(other)
    dataset = own_data(run.path, networks["student"], source, cache)
    split, said = dataset.scored_split()
    votes, right = {}, {}
    for name, network in networks.items():
        answers, classes = network.answers(dataset, split), np.array(network.classes)
        votes[name] = classes[vote(answers.probabilities, network.weights).argmax(1)]
        right[name] = votes[name] == classes[answers.labels]
    return Comparison(
        said,
        tuple(_judged(name, network, right[name], dataset, split) for name, network in networks.items()),
        difference(right["student"], right["teacher"]),
        difference(right["student"], right[other]) if other else None,
        float((votes["student"] == votes["teacher"]).mean()),
        tuple(_notes(run.recipe, split, networks, dataset)),
    )


def _judged(name: str, network: Predictor, right: np.ndarray, dataset: data.Dataset, split: str) -> Judged:
    cost, count = costs(network, dataset, split), int(right.sum())
    speed = cost.images / cost.all
    return Judged(name, count / len(right), wilson(count, len(right)), sum(cost.parameters), speed)


def _notes(recipe: Recipe, split: str, networks: dict[str, Predictor], dataset: data.Dataset) -> list[str]:
    notes = []
    if split == "val":
        notes.append("validation chose the student's best epoch, so its accuracy is a little flattering")
    for name, network in networks.items():
        for about in (part.about for part in network.parts):
            theirs = Recipe.from_toml(about["recipe"], name)
            other = any(getattr(theirs, field) != getattr(recipe, field) for field in SPLIT)
            if other and about.get("fingerprint") == dataset.fingerprint and name != "student":
                cure = (
                    "where the data has no splits of its own, the network may have been trained on some of these images"
                )
                notes.append(f"{name} had another --seed, --val or --test: {cure}")
                break
    return notes
