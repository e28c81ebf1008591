"""How a run's best weights do on one split: what is taken for what, and whether its confidence can be believed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ravine.ensembles.reliability import Reliability, binned
from ravine.report.predictions import Predictions


@dataclass(frozen=True)
class Judged:
    """Attributes:
    split: "val" or "test".
    confusion: int64 `[C, C]`, row = true class, column = predicted.
    recall: `[C]`, share of each class's images that were recognised; NaN where there are none.
    counts: int64 `[C]`, images of each class.
    worst: the most frequent mistakes, (true, predicted, how often), most frequent first.
    ece: expected calibration error, 0 to 1, 15 equal bins of confidence.
    reliability: those bins: `count`, `confidence`, `accuracy`, `[15]` each; None without predictions.csv.
    """

    split: str
    confusion: np.ndarray
    recall: np.ndarray
    counts: np.ndarray
    worst: tuple[tuple[str, str, int], ...]
    ece: float
    reliability: Reliability | None


def judged(summary: Mapping[str, Any], classes: Sequence[str], predictions: Predictions | None) -> Judged | None:
    """From a run's summary.json, and the confidence of each answer; None while there is no summary.

    Args:
        classes: names as they are to be shown.
    """
    if not summary:
        return None
    split = summary["scored_on"]
    score = summary["best"][split]
    confusion = np.array(score["confusion"], np.int64)
    recall = [np.nan if share is None else share for share in score["recall"].values()]
    at = {name: shown for name, shown in zip(score["recall"], classes, strict=True)}
    worst = tuple((at[c["true"]], at[c["predicted"]], c["count"]) for c in summary["worst_confusions"])
    bins = None
    if predictions is not None:
        rows = predictions.rows_of(split)
        bins = binned(predictions.confidence[rows], predictions.right[rows])
    ece = score["expected_calibration_error"]
    return Judged(split, confusion, np.array(recall), confusion.sum(1), worst, ece, bins)
