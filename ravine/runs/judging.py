"""An ensemble judged on held-out images: its report, with what it costs."""

import time

import numpy as np

from ravine import data
from ravine.ensembles import Costs, EnsembleReport, report
from ravine.prediction import Predictor
from ravine.seen import seen_by
from ravine.trained import Trained

_TIMED = 256  # images
_REPEATS = 3


def judged(
    network: Predictor,
    dataset: data.Dataset,
    *,
    training: float | None = None,
    notes: tuple[str, ...] = (),
) -> EnsembleReport:
    """The report of a network of 2 members or more, on the splits "val" and "test" of a data set that it opened.

    Args:
        training: seconds that its training took, if they are known.
        notes: sentences for the report.
    """
    val, test = (network.answers(dataset, name) if name in dataset.splits else None for name in ("val", "test"))
    cost = costs(network, dataset, "val" if test is None else "test", training)
    return report(val, test, cost, weights=network.weights, notes=notes)


def costs(network: Predictor, dataset: data.Dataset, split: str, training: float | None = None) -> Costs:
    """Measures what predicting costs: some images of a split, by one member and by all, in turn; the best of three."""
    rows = np.arange(min(_TIMED, len(dataset.splits[split])))
    inputs = [(part, seen_by(part, dataset).splits[split].take(rows)) for part in network.parts]
    first = [(network.parts[0].of([0]), inputs[0][1])]
    times = [(_seconds(first), _seconds(inputs)) for _ in range(_REPEATS)]
    parameters = [n for part in network.parts for n in [part.population.weights.shape[1]] * part.about["members"]]
    one, every = (min(column) for column in zip(*times, strict=True))
    return Costs(tuple(parameters), training, len(rows), one, every, str(network.parts[0].device))


def _seconds(inputs: list[tuple[Trained, np.ndarray]]) -> float:
    started = time.perf_counter()
    for part, x in inputs:
        part.each(x)  # comes back to the CPU, so that nothing is still on its way
    return time.perf_counter() - started
