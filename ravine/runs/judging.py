"""An ensemble judged on held-out images: its report, with what it costs."""

import time

import numpy as np

from ravine import data
from ravine.ensembles import Costs, EnsembleReport, report
from ravine.prediction import Predictor
from ravine.recipe import Recipe
from ravine.seen import seen_by
from ravine.trained import Trained

_TIMED = 256  # images
_REPEATS = 3


def judged(
    network: Predictor,
    dataset: data.Dataset,
    *,
    training: float | None = None,
    trained: int | None = None,
    notes: tuple[str, ...] = (),
) -> EnsembleReport:
    """The report of a network of 2 members or more, on the splits "val" and "test" of a data set that it opened.

    Args:
        training: seconds that its training took, if they are known.
        trained: members that were trained in that time; None for those of the network.
        notes: sentences for the report.
    """
    val, test = (network.answers(dataset, name) if name in dataset.splits else None for name in ("val", "test"))
    cost = costs(network, dataset, "val" if test is None else "test", training, trained)
    why = _dependence(network)
    notes = (*notes, why) if why else notes
    return report(val, test, cost, weights=network.weights, notes=notes, independent=not why)


def _dependence(network: Predictor) -> str:
    """Why its members do not tell how another training would differ; empty where they are trainings of their own."""
    snapshots = any(part.about.get("which") == "snapshots" and part.about["members"] > 1 for part in network.parts)
    recipes = [Recipe.from_toml(part.about["recipe"], part.name) for part in network.parts]
    folds = len({(one.folds, one.fold) for one in recipes if one.folds}) > 1
    what = "snapshots of one training" if snapshots else "folds, which share training images" if folds else ""
    return f"members are {what}, so they do not tell what another training would gain" if what else ""


def costs(
    network: Predictor, dataset: data.Dataset, split: str, training: float | None = None, trained: int | None = None
) -> Costs:
    """Measures what predicting costs: some images of a split, by one member and by all, in turn; the best of three."""
    rows = np.arange(min(_TIMED, len(dataset.splits[split])))
    inputs = [(part, seen_by(part, dataset).splits[split].take(rows)) for part in network.parts]
    first = [(network.parts[0].of([0]), inputs[0][1])]
    times = [(_seconds(first), _seconds(inputs)) for _ in range(_REPEATS)]
    parameters = [n for part in network.parts for n in [part.population.weights.shape[1]] * part.about["members"]]
    one, every = (min(column) for column in zip(*times, strict=True))
    return Costs(tuple(parameters), training, len(rows), one, every, str(network.parts[0].device), trained)


def _seconds(inputs: list[tuple[Trained, np.ndarray]]) -> float:
    started = time.perf_counter()
    for part, x in inputs:
        part.each(x)  # comes back to the CPU, so that nothing is still on its way
    return time.perf_counter() - started
