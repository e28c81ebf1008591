"""What k folds come to: the accuracy over all images, how far folds lie apart, what was said of each image."""

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ravine.checkpoints.run_folder import RunFolder
from ravine.ensembles import Answers, gain, log_losses
from ravine.interval import wilson
from ravine.recipe import Recipe
from ravine.runs import descent, regularizing
from ravine.runs.run import Run

_SUSPECTS = 20


@dataclass(frozen=True)
class OutOfFold:
    """Every image of the folds, as the network says that was not trained on it.

    Attributes:
        classes: their names.
        names: paths of the images, or positions in an array.
        fold, labels: int64 `[N]`.
        probabilities: `[N, classes]`.
        known: bool `[N]`, whether that network was trained on other images of the label's class.
    """

    classes: Sequence[str]
    names: Sequence[str]
    fold: np.ndarray
    labels: np.ndarray
    probabilities: np.ndarray
    known: np.ndarray

    @property
    def predicted(self) -> np.ndarray:
        """int64 `[N]`: the likeliest classes."""
        return self.probabilities.argmax(1)

    @property
    def right(self) -> np.ndarray:
        """bool `[N]`."""
        return self.predicted == self.labels

    def row(self, i: int) -> dict[str, Any]:
        """An image as a row of `oof.csv`."""
        label, predicted = int(self.labels[i]), int(self.predicted[i])
        return {
            "image": self.names[i],
            "fold": int(self.fold[i]),
            "label": self.classes[label],
            "prediction": self.classes[predicted],
            "probability": round(float(self.probabilities[i, predicted]), 6),
            "label_probability": round(float(self.probabilities[i, label]), 6),
        }

    def suspects(self) -> list[dict[str, Any]]:
        """The errors of which the network was surest, surest first: hard images, or wrong labels.

        An image of a class that the network has never seen could not be called right, and is none.
        """
        wrong = np.flatnonzero(~self.right & self.known)
        surest = wrong[np.argsort(-self.probabilities[wrong].max(1), kind="stable")]
        return [self.row(int(i)) for i in surest[:_SUSPECTS]]


def csv_of(said: OutOfFold) -> str:
    """`oof.csv`: a row an image, in the order of the data."""
    text = io.StringIO()
    writer = csv.DictWriter(text, list(said.row(0)), lineterminator="\n")
    writer.writeheader()
    writer.writerows(said.row(i) for i in range(len(said.labels)))
    return text.getvalue()


def summarize(
    best: OutOfFold, last: OutOfFold, test: Answers | None, runs: Sequence[Run], folder: RunFolder, fingerprint: str
) -> dict[str, Any]:
    """The summary of a k-fold run.

    Accuracy is over all images, each counted once, with Wilson's interval: for these networks on new images. Folds
    share training images, so their accuracies are not independent, and no estimate of how a new training would vary is
    unbiased (Bengio and Grandvalet, "No Unbiased Estimator of the Variance of K-Fold Cross-Validation", 2004). Beside
    their spread stands the one that images alone would bring, sqrt(p (1 - p) k / N).

    Args:
        best, last: the images by the best weights of each fold, which were chosen on these very images, and by the last
            ones, which were not, unless the recipe looks at validation as it trains ("steered_by").
        test: what the members of all folds' best weights say of test images.
        runs: of the folds.
        folder: of the whole.
        fingerprint: of the data.
    """
    k = len(runs)
    epochs = [run.summary["best_epoch"] for run in runs]
    folds = [_score(best, best.fold == i) for i in range(k)]
    accuracies = np.array([one["accuracy"] for one in folds])
    p = float(best.right.mean())
    return {
        "finished": True,
        "fingerprint": fingerprint,
        "run": str(folder.path),
        "accuracy": p,
        "scored_on": "val",
        "epochs": [run.summary["epochs"] for run in runs],
        "best_epoch": epochs,
        "best": {"val": _score(best), **({"test": _test(test)} if test else {})},
        "last": {"val": _score(last)},
        "steered_by": steered_by(runs[0].recipe),
        "folds": [{"run": str(run.path), "best_epoch": e, **s} for run, e, s in zip(runs, epochs, folds, strict=True)],
        "spread": {
            "mean": float(accuracies.mean()),
            "sd": float(accuracies.std(ddof=1)),
            "sd_of_images_alone": (p * (1 - p) * k / len(best.labels)) ** 0.5,
        },
        "suspects": best.suspects(),
        "seconds": {part: sum(run.summary["seconds"][part] for run in runs) for part in runs[0].summary["seconds"]},
        "weights": {"best": str(folder.best_weights), "last": str(folder.last_weights)},
    }


def steered_by(recipe: Recipe) -> list[str]:
    """What of the recipe looks at the validation images while it trains, so that the last weights depend on them."""
    found = ["early stopping"] if regularizing.with_patience(recipe).patience else []
    return found + (["the plateau schedule"] if hasattr(descent.schedule(recipe), "observe") else [])


def _score(said: OutOfFold, rows: np.ndarray | slice = slice(None)) -> dict[str, Any]:
    right, labels = said.right[rows], said.labels[rows]
    return {
        "n": len(labels),
        "accuracy": float(right.mean()),
        "accuracy_interval": list(wilson(int(right.sum()), len(labels))),
        "loss": float(log_losses(said.probabilities[rows], labels).mean()),
    }


def _test(answers: Answers) -> dict[str, Any]:
    """The ensemble of the folds on test images, and what it gains over the mean member."""
    right = answers.vote.argmax(1) == answers.labels
    over_mean = gain(answers)
    return {
        "n": len(right),
        "accuracy": float(right.mean()),
        "accuracy_interval": list(wilson(int(right.sum()), len(right))),
        "loss": float(log_losses(answers.vote, answers.labels).mean()),
        "mean_member_accuracy": float(answers.correct.mean()),
        "gain": over_mean.value,
        "gain_interval": list(over_mean.images),
    }
