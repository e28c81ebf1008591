"""predictions.csv: what a run's best weights say of each held-out image, one row an image.

    split,name,true,predicted,confidence,true_probability
    val,cat/017.jpg,cat,dog,0.93120444,0.0612035

Three numbers an image are kept and not a probability for each class, so that 50,000 images of 1,000 classes take 3 MB.
"""

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ravine.errors import DataError

COLUMNS = ("split", "name", "true", "predicted", "confidence", "true_probability")


@dataclass(frozen=True)
class Predictions:
    """N rows, those of "val" first, in the order of the data.

    Attributes:
        split: `[N]`, "val" or "test".
        names: of the files, or the places in arrays ("x_val[17]").
        true, predicted: int64 `[N]`, indices of classes.
        confidence: float32 `[N]`, probability of the predicted class, averaged over the members that vote.
        true_probability: float32 `[N]`, probability of the true class.
    """

    split: np.ndarray
    names: Sequence[str]
    true: np.ndarray
    predicted: np.ndarray
    confidence: np.ndarray
    true_probability: np.ndarray

    def __len__(self) -> int:
        return len(self.true)

    @property
    def right(self) -> np.ndarray:
        """bool `[N]`: whether the predicted class is the true one."""
        return self.predicted == self.true

    def rows_of(self, split: str) -> np.ndarray:
        """The rows of a split, int64."""
        return np.flatnonzero(self.split == split)

    def to_csv(self, classes: Sequence[str]) -> str:
        """The text of the file; float32 with as many digits as bring the same number back."""
        text = io.StringIO()
        writer = csv.writer(text)  # lines end in "\r\n", since only then a bare "\r" in a name is quoted
        writer.writerow(COLUMNS)
        of = lambda column: [classes[c] for c in column.tolist()]  # noqa: E731
        numbers = (map(str, column.astype(np.float32)) for column in (self.confidence, self.true_probability))
        names = (self.split.tolist(), self.names, of(self.true), of(self.predicted))
        writer.writerows(zip(*names, *numbers, strict=True))
        return text.getvalue()


def read_predictions(path: Path, classes: Sequence[str]) -> Predictions | None:
    """The rows of a predictions.csv, whose classes have these indices; None where there is no file.

    Raises:
        DataError: it is damaged, or of other classes.
    """
    try:
        text = path.read_bytes().decode("utf-8", "surrogateescape")  # file names are bytes, not always UTF-8
    except FileNotFoundError:
        return None
    except OSError as error:
        raise DataError(f"cannot be read ({error.strerror})", where=str(path)) from error
    index = {name: i for i, name in enumerate(classes)}
    try:
        head, *rows = csv.reader(io.StringIO(text, newline=""), strict=True)
        split, names, true, predicted, *numbers = zip(*rows, strict=True) if rows else [()] * len(COLUMNS)
        if tuple(head) != COLUMNS:
            raise ValueError
        confidence, true_probability = (np.array(column, np.float32) for column in numbers)
        labels, answers = (np.array([index[c] for c in column], np.int64) for column in (true, predicted))
        return Predictions(np.array(split, str), names, labels, answers, confidence, true_probability)
    except (ValueError, KeyError, csv.Error) as error:
        expected = f"a row of {', '.join(COLUMNS)} for each image"
        raise DataError("not the predictions of this run", where=str(path), expected=expected) from error
