"""The images that a network gets wrong or is unsure of, and the labels that may be wrong instead.

Suspects are found as in confident learning (Northcutt, Jiang, Chuang, "Confident Learning: Estimating Uncertainty in
Dataset Labels", 2021): a class is confidently given where its probability reaches the mean that the class has on images
with its own label,

    t_j = mean over images labelled j of p_j        suspect: the label is i, and p_j >= t_j of another class j.

What is simplified here: j is the predicted class alone (the paper takes the likeliest of all classes that reach their
t_j, so it may also suspect an image whose predicted class does not reach its own); every suspect counts (the paper's
pruning by estimated noise rates is left out); and a class with fewer than 5 images has no t_j. That needs the predicted
class and two probabilities an image, which is what predictions.csv holds. The images are validation and test ones,
which the network was not trained on, as the method asks for. A suspect of a network that is often wrong says little:
below 4 right answers in 5, that is told with them.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from ravine.data.findings import shown
from ravine.report.predictions import Predictions

MOST = 24  # images of each list that are shown
FEWEST = 5  # images of a class from which its mean probability says something
# share of right answers from which most suspects are wrong labels, where one label in twenty is wrong (measured)
RELIABLE = 0.8
WHY = (
    "the network gives another class at least the probability that it gives, on average, to images of that class: "
    "the label may be wrong, or the image is one that the network does not understand"
)


@dataclass(frozen=True)
class Shown:
    """An image of a split and what the best weights say of it.

    Attributes:
        split: "val" or "test".
        name: of the file, or its place in an array ("x_val[17]").
        true, predicted: names of classes.
        confidence: probability of the predicted class.
        true_probability: probability of the true class.
        picture: PNG, longest side at most 96 pixels; None where there are no pictures.
    """

    split: str
    name: str
    true: str
    predicted: str
    confidence: float
    true_probability: float
    picture: bytes | None


@dataclass(frozen=True)
class Mistakes:
    """Attributes:
    confident: wrong answers of the split that counts, the most confident first.
    unsure: its answers, right or wrong, the least confident first.
    suspects: images of both splits whose label is doubtful, the most doubtful first.
    wrong, doubtful: how many wrong answers and how many suspects there are, of which the first are shown.
    why: what makes an image a suspect, in words.
    """

    confident: tuple[Shown, ...]
    unsure: tuple[Shown, ...]
    suspects: tuple[Shown, ...]
    wrong: int
    doubtful: int
    why: str


def mistakes(
    predictions: Predictions, split: str, classes: Sequence[str], picture: Callable[[int], bytes | None]
) -> Mistakes:
    """What there is to look at, of predictions on all splits.

    Args:
        split: the one that counts, whose mistakes are shown.
        classes: names as they are to be shown.
        picture: of a row of the predictions, PNG.
    """

    def look(rows: np.ndarray) -> tuple[Shown, ...]:
        return tuple(
            Shown(
                str(predictions.split[i]),
                shown(predictions.names[i]),
                classes[int(predictions.true[i])],
                classes[int(predictions.predicted[i])],
                float(predictions.confidence[i]),
                float(predictions.true_probability[i]),
                picture(i),
            )
            for i in map(int, rows[:MOST])
        )

    wrong, doubtful = confident_errors(predictions, split), suspects(predictions)
    right = float(predictions.right.mean()) if len(predictions) else 0.0
    why = WHY if right >= RELIABLE else f"{WHY}. It is right {right:.0%} of the time, so most of these are its mistakes"
    return Mistakes(look(wrong), look(least_sure(predictions, split)), look(doubtful), len(wrong), len(doubtful), why)


def to_picture(predictions: Predictions, split: str) -> np.ndarray:
    """The rows that `mistakes` shows, sorted, int64."""
    lists = (confident_errors(predictions, split), least_sure(predictions, split), suspects(predictions))
    return np.unique(np.concatenate([rows[:MOST] for rows in lists]))


def confident_errors(predictions: Predictions, split: str) -> np.ndarray:
    """Rows of a split with a wrong answer, the most confident first."""
    rows = predictions.rows_of(split)
    rows = rows[~predictions.right[rows]]
    return rows[np.argsort(-predictions.confidence[rows], kind="stable")]


def least_sure(predictions: Predictions, split: str) -> np.ndarray:
    """Rows of a split, the least confident first."""
    rows = predictions.rows_of(split)
    return rows[np.argsort(predictions.confidence[rows], kind="stable")]


def suspects(predictions: Predictions) -> np.ndarray:
    """Rows whose label is doubtful, those first whose label has least probability beside the predicted class."""
    reached = predictions.confidence >= thresholds(predictions)[predictions.predicted]  # never where it is NaN
    rows = np.flatnonzero(reached & ~predictions.right)
    margin = predictions.true_probability[rows].astype(np.float64) - predictions.confidence[rows]
    return rows[np.argsort(margin, kind="stable")]


def thresholds(predictions: Predictions) -> np.ndarray:
    """t_j of each class: its mean probability on images with its label; NaN where they are fewer than 5."""
    classes = int(max(predictions.true.max(initial=0), predictions.predicted.max(initial=0))) + 1
    count = np.bincount(predictions.true, minlength=classes)
    total = np.bincount(predictions.true, predictions.true_probability.astype(np.float64), minlength=classes)
    return np.divide(total, count, out=np.full(classes, np.nan), where=count >= FEWEST)
