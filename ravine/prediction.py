"""What predicts: one trained network, K of them, or several of different kinds joined; from images to named classes."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ravine import data
from ravine.ensembles import Answers, vote
from ravine.errors import RavineError, UsageError
from ravine.inputs import named_images
from ravine.training.evaluate import Score

if TYPE_CHECKING:
    from ravine.trained import Trained

CHUNK = 256


@dataclass(frozen=True)
class Prediction:
    """One image's answer.

    Attributes:
        name: the file's path, or `#7` for the eighth row of an array.
        classes, probabilities: the `top` likeliest, likeliest first.
        error: why the image could not be read; then there are no classes.
    """

    name: str
    classes: tuple[str, ...] = ()
    probabilities: tuple[float, ...] = ()
    error: str = ""


class Predictor(ABC):
    """Members that vote.

    Attributes:
        name: where they come from, for messages.
        classes: names, in the order of the probabilities.
        about: what the weights file says of itself.
        weights: of the vote, `[K]`; None for equal ones.
    """

    name: str
    classes: tuple[str, ...]
    about: dict[str, Any]
    weights: np.ndarray | None = None

    @property
    @abstractmethod
    def parts(self) -> "tuple[Trained, ...]":
        """The networks of one architecture and one preprocessing each, of one or more members."""

    @abstractmethod
    def each(self, x: np.ndarray, tta: str | int = "none") -> np.ndarray:
        """The probabilities of each member, `[K, N, classes]` float32; arguments as of `probabilities`."""

    @abstractmethod
    def answers(self, dataset: data.Dataset, split: str, tta: str | int = "none") -> Answers:
        """What each member says of a split; arguments and errors as of `evaluate`."""

    @abstractmethod
    def open(self, source: Any, **options: Any) -> data.Dataset:
        """Loads a data set as its networks see images; arguments as `ravine.data.load`."""

    @abstractmethod
    def evaluate(self, dataset: data.Dataset, split: str, tta: str | int = "none") -> Score:
        """Scores a split of a data set that `open` gave. Classes are matched by name, whatever their order is there.

        Args:
            split: "train", "val", "test", or "auto": the first that there is of test, val and train.
            tta: test-time augmentation, whose probabilities are averaged: "none"; "flip", an image and its mirror
                image; "shift", both also moved by a pixel; "10crop", five pieces and their mirror images; N, so many
                draws of the training's own.

        Raises:
            DataError: no such split, a class that the network does not know, or inputs of another shape or type.
        """

    @abstractmethod
    def _said(self, seen: Sequence[np.ndarray], tta: str | int) -> np.ndarray:
        """`[K, N, classes]` for the same examples as each of the parts sees them."""

    def probabilities(self, x: np.ndarray, tta: str | int = "none") -> np.ndarray:
        """`[N, classes]` float32 for raw rows as they lie in a data set: `[N, C, H, W]` or features `[N, F]`.

        `tta` as of `evaluate`.
        """
        return vote(self.each(x, tta), self.weights)

    def predict(self, images: Any, top: int = 1, tta: str | int = "none") -> list[Prediction]:
        """The likeliest classes of images.

        Args:
            images: a path, a folder (all images in it), one image `uint8 [H, W]` or `[H, W, 1|3]`, a list of these, or
                an array of examples `[N, ...]` of the kind that it was trained on; torch's tensors as arrays.
            top: how many classes to name, at least 1.
            tta: what is averaged over, as of `evaluate`.

        Returns:
            A `Prediction` per image, in the order given (folders sorted). An unreadable image has its `error` set.

        Raises:
            UsageError: an array that is neither a batch nor an image, or `top`. DataError: no such path, other pixels.
        """
        if top < 1:
            raise UsageError(f"cannot be {top}", where="top", expected="1 or more")
        if hasattr(images, "detach"):  # a tensor of torch
            images = images.detach().cpu().numpy()
        if isinstance(images, np.ndarray) and all([part.is_batch(images) for part in self.parts]):
            probabilities = self._vote([data.examples(images, "predict", p.preprocessing) for p in self.parts], tta)
            names, errors = [f"#{i}" for i in range(len(images))], {}
        else:
            names, errors, probabilities = self._read(images, tta)
        ranked = np.argsort(-probabilities, axis=1, kind="stable")[:, :top]
        answers = (
            (tuple(self.classes[c] for c in best), tuple(float(row[c]) for c in best))
            for row, best in zip(probabilities, ranked, strict=True)
        )
        return [Prediction(n, error=errors[n]) if n in errors else Prediction(n, *next(answers)) for n in names]

    def _vote(self, seen: Sequence[np.ndarray], tta: str | int) -> np.ndarray:
        return vote(self._said(seen, tta), self.weights)

    def _read(self, images: Any, tta: str | int) -> tuple[list[str], dict[str, str], np.ndarray]:
        wanted = [part.preprocessing for part in self.parts if part.preprocessing]
        if not wanted:
            raise UsageError("trained on arrays", where=self.name, expected=f"rows of shape {self.parts[0].in_shape}")
        names, errors, chunk, out = [], {}, [], [np.empty((0, len(self.classes)), np.float32)]
        for name, image in named_images(images):
            names.append(name)
            try:
                chunk.append([data.preprocess(image, to) for to in wanted])
            except RavineError as error:
                errors[name] = error.what
            if len(chunk) == CHUNK:
                out.append(self._vote([np.stack(rows) for rows in zip(*chunk, strict=True)], tta))
                chunk = []
        if chunk:
            out.append(self._vote([np.stack(rows) for rows in zip(*chunk, strict=True)], tta))
        return names, errors, np.concatenate(out)
