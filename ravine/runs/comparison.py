"""A distilled student beside its teacher, on images that both have not learned from."""

import os
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from ravine import data
from ravine.ensembles import Difference, difference, vote
from ravine.interval import wilson
from ravine.loading import load
from ravine.prediction import Predictor
from ravine.recipe import Recipe
from ravine.runs.distill import lesson_of
from ravine.runs.joining import seconds_of
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
        passes: forward passes that a prediction costs, one a member.
        training: seconds that its training took (data and compute); None where they are not known.
    """

    name: str
    accuracy: float
    interval: tuple[float, float]
    parameters: int
    images_per_second: float
    passes: int
    training: float | None


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
    lesson, network = lesson_of(run)
    places = [("teacher", lesson.path), ("student", str(run.path)), *([(other, other)] if other else [])]
    networks = [network, *(load(path) for _, path in places[1:])]
    dataset = own_data(run.path, networks[1], source, cache)
    split, said = dataset.scored_split()
    votes, right = [], []
    for network in networks:
        answers, classes = network.answers(dataset, split), np.array(network.classes)
        votes.append(classes[vote(answers.probabilities, network.weights).argmax(1)])
        right.append(votes[-1] == classes[answers.labels])
    judged = zip(places, networks, right, strict=True)
    return Comparison(
        said,
        tuple(_judged(name, path, network, own, dataset, split) for (name, path), network, own in judged),
        difference(right[1], right[0]),
        difference(right[1], right[2]) if other else None,
        float((votes[1] == votes[0]).mean()),
        tuple(_notes(run.recipe, split, [name for name, _ in places], networks, dataset)),
    )


def _judged(name: str, path: str, network: Predictor, right: np.ndarray, dataset: data.Dataset, split: str) -> Judged:
    cost, count = costs(network, dataset, split), int(right.sum())
    speed, parameters = cost.images / cost.all, cost.parameters
    share, interval = count / len(right), wilson(count, len(right))
    return Judged(name, share, interval, sum(parameters), speed, len(parameters), seconds_of([path]))


def _notes(
    recipe: Recipe, split: str, names: list[str], networks: list[Predictor], dataset: data.Dataset
) -> Iterator[str]:
    if split == "val":
        yield "validation chose the student's best epoch, so its accuracy is a little flattering"
    ours = _cut(recipe, split)
    for name, network in zip(names, networks, strict=True):
        own = [part for part in network.parts if part.about.get("fingerprint") == dataset.fingerprint]
        theirs = [(part, Recipe.from_toml(part.about["recipe"], name)) for part in own]
        others = [(part, other) for part, other in theirs if _cut(other, split) != ours]
        members = sum(part.about["members"] for part, _ in others)
        if others and split == "val" and all(_cut(other, split)[:-1] == ours[:-1] for _, other in others):
            every = sum(part.about["members"] for part in network.parts)
            yield f"{members} of the {every} networks of {name} were trained on these images, in other folds"
        elif others:
            cure = "where the data has no splits of its own, the network may have been trained on some of these images"
            yield f"{name} had another --seed, --val, --test or fold: {cure}"


def _cut(recipe: Recipe, split: str) -> tuple[object, ...]:
    """Which images of data without splits of its own are "test" or "val"; the fold comes last."""
    test = (recipe.test, recipe.seed if recipe.test else 0)
    return test if split == "test" else (*test, recipe.seed, recipe.val, recipe.folds, recipe.fold)
