"""A trained network, read from its weights file: predicts and is evaluated, always in eval mode."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from ravine import data, draws, spec
from ravine.ensembles import Answers, vote
from ravine.errors import DataError, RavineError, UsageError
from ravine.inputs import named_images
from ravine.models import MODELS
from ravine.population import Population, forward
from ravine.training.evaluate import Score, evaluate
from ravine.training.feed import Normalization
from ravine.viewing import looking, views_for

_CHUNK = 256
_BATCH = 512


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


class Trained:
    """A network (or K of them, whose probabilities are averaged) with its classes and preprocessing.

    Made by `ravine.load` and by a `Run`; `Trained(tensors, about)` is for weights that are in memory.

    Args:
        tensors: the weights by name.
        about: what the weights file says of itself.
        name: where they come from, for messages.
        device: where to run.

    Attributes:
        classes: names, in the order of the probabilities.
        in_shape: of an input, without the batch: (C, H, W) or (F,).
        about: recipe, epoch, score, ...

    Raises:
        DataError: `about` does not describe a network, or the tensors are not of it.
    """

    def __init__(
        self,
        tensors: dict[str, torch.Tensor],
        about: dict[str, Any],
        *,
        name: str = "network",
        device: str | torch.device = "cpu",
    ):
        self.about, self.name, self.device = about, name, torch.device(device)
        try:
            self.classes: tuple[str, ...] = tuple(about["classes"])
            self.in_shape: tuple[int, ...] = tuple(about["in_shape"])
            stored = about["preprocessing"]
            self.preprocessing = data.Preprocessing(**stored) if stored else None
            self.normalize = Normalization(*(tuple(about["normalization"][part]) for part in ("mean", "std")))
            self.population = Population(self._member, about["members"], self.device)
            self.population.load_named(tensors)
        except (KeyError, TypeError, RuntimeError, UsageError) as error:
            raise DataError(f"does not describe a network: {error}", where=name) from error
        self.population.train(False)
        self._run = forward(self.population, "direct" if about["members"] == 1 else "loop")

    def probabilities(self, x: np.ndarray, tta: str | int = "none") -> np.ndarray:
        """`[N, classes]` float32 for raw rows as they lie in a data set: `[N, C, H, W]` or features `[N, F]`.

        `tta` as of `evaluate`.
        """
        return vote(self.each(x, tta))

    @torch.no_grad()
    def each(self, x: np.ndarray, tta: str | int = "none") -> np.ndarray:
        """The probabilities of each member, `[K, N, classes]` float32; arguments as of `probabilities`."""
        self._check_pixels(x.dtype, self.name)
        if x.shape[1:] != self.in_shape:
            raise UsageError(f"rows of shape {x.shape[1:]}", where=self.name, expected=str(self.in_shape))
        members = len(self.population.members)
        run, out = self._look(tta), [np.empty((members, 0, len(self.classes)), np.float32)]
        for start in range(0, len(x), _CHUNK):
            # a copy, since torch warns of arrays that cannot be written to
            rows = torch.from_numpy(np.array(x[start : start + _CHUNK], order="C")).to(self.device)
            out.append(run(rows).softmax(2).cpu().numpy())
        return np.concatenate(out, axis=1)

    def answers(self, dataset: data.Dataset, split: str, tta: str | int = "none") -> Answers:
        """What each member says of a split; arguments and errors as of `evaluate`."""
        part, labels = self._part(dataset, split)
        chunks = [np.arange(start, min(start + _BATCH, len(part))) for start in range(0, len(part), _BATCH)]
        empty = np.empty((len(self.population.members), 0, len(self.classes)), np.float32)
        probabilities = np.concatenate([empty, *(self.each(part.take(rows), tta) for rows in chunks)], axis=1)
        return Answers(probabilities, labels)

    def predict(self, images: Any, top: int = 1, tta: str | int = "none") -> list[Prediction]:
        """The likeliest classes of images.

        Args:
            images: a path, a folder (all images in it), one image `uint8 [H, W]` or `[H, W, 1|3]`, a list of these, or
                an array of examples `[N, ...]` of the kind that it was trained on.
            top: how many classes to name, at least 1.
            tta: what is averaged over, as of `evaluate`.

        Returns:
            A `Prediction` per image, in the order given (folders sorted). An unreadable image has its `error` set.

        Raises:
            UsageError: an array that is neither a batch nor an image, or `top`. DataError: no such path, other pixels.
        """
        if top < 1:
            raise UsageError(f"cannot be {top}", where="top", expected="1 or more")
        if isinstance(images, np.ndarray) and self._is_batch(images):
            probabilities = self.probabilities(data.examples(images, "predict", self.preprocessing), tta)
            names, errors = [f"#{i}" for i in range(len(images))], {}
        else:
            names, errors, probabilities = self._read(images, tta)
        ranked = np.argsort(-probabilities, axis=1, kind="stable")[:, :top]
        answers = (
            (tuple(self.classes[c] for c in best), tuple(float(row[c]) for c in best))
            for row, best in zip(probabilities, ranked, strict=True)
        )
        return [Prediction(n, error=errors[n]) if n in errors else Prediction(n, *next(answers)) for n in names]

    def open(self, source: Any, **options: Any) -> data.Dataset:
        """Loads a data set as this network sees images; arguments as `ravine.data.load`."""
        return data.load(source, size=self.preprocessing or "auto", **options)

    def evaluate(self, dataset: data.Dataset, split: str, tta: str | int = "none") -> Score:
        """Scores a split of a data set that `open` gave. Classes are matched by name, whatever their order is there.

        Args:
            split: "train", "val", "test", or "auto": the first that there is of test, val and train.
            tta: test-time augmentation, whose probabilities are averaged: "none"; "flip", an image and its mirror
                image; "10crop", five pieces and their mirror images; N, so many draws of the training's own.

        Raises:
            DataError: no such split, a class that the network does not know, or inputs of another shape or type.
        """
        part, of = self._part(dataset, split)
        labels = torch.from_numpy(of).to(self.device)
        run, rows = self._look(tta), torch.arange(len(part), device=self.device)
        raw = lambda own: torch.from_numpy(part.take(own.cpu().numpy())).to(self.device)  # noqa: E731
        batches = ((raw(own), labels[own]) for own in rows.split(_BATCH))
        return evaluate(lambda x: run(x[0]), batches, len(self.population.members), len(self.classes))

    def _part(self, dataset: data.Dataset, split: str) -> tuple[data.Split, np.ndarray]:
        """A split and its labels, int64 `[N]`, in the order of this network's classes. Raises as `evaluate`."""
        part = dataset.splits[dataset.scored_split(split)[0]]
        self._check_pixels(part.store.dtype, dataset.name)
        missing = sorted(set(dataset.classes) - set(self.classes))
        if missing:
            raise DataError(
                f"classes that {self.name} does not know: {', '.join(missing)}",
                where=dataset.name,
                expected=f"some of {', '.join(self.classes)}",
            )
        if tuple(part.shape) != self.in_shape:
            raise DataError(f"shape {tuple(part.shape)}", where=dataset.name, expected=str(self.in_shape))
        of = np.array([self.classes.index(name) for name in dataset.classes])
        return part, of[part.y].astype(np.int64)

    def _look(self, tta: str | int) -> Callable[[torch.Tensor], torch.Tensor]:
        views = views_for(self.about, tta, self.name)
        return looking(self._run, self.normalize, views, len(self.population.members))

    def _member(self, k: int) -> torch.nn.Module:
        model = spec.parse(self.about["model"])
        with draws.own_generators():  # the initial weights, which are overwritten, are drawn
            return spec.build(model, MODELS, in_shape=self.in_shape, classes=len(self.classes))

    def _check_pixels(self, dtype: np.dtype, where: str) -> None:
        """Pixels 0..255 and floats are scaled differently, so that neither can stand in for the other."""
        if (dtype == np.uint8) != (self.preprocessing is not None):
            expected = "floats" if self.preprocessing is None else "uint8"
            raise DataError(f"examples of {dtype}", where=where, expected=f"{expected}, as in training")

    def _is_batch(self, x: np.ndarray) -> bool:
        """Whether `x` is examples `[N, ...]` rather than one image. Raises UsageError where it can be either."""
        if self.preprocessing is None:
            return True
        if x.ndim == 3 and x.shape == self.in_shape and x.shape[0] == 3:
            what, cure = f"shape {x.shape} can be 3 gray images or one in colour", "Pass x[None] or x[:, None]"
            raise UsageError(what, where="predict", expected="[N, H, W] or [H, W, 3]", cure=cure)
        if x.ndim == 4:
            return True
        return x.ndim == 3 and (x.shape[2] not in (1, 3) or (1, *x.shape[1:]) == self.in_shape)

    def _read(self, images: Any, tta: str | int) -> tuple[list[str], dict[str, str], np.ndarray]:
        if self.preprocessing is None:
            raise UsageError("trained on arrays", where=self.name, expected=f"rows of shape {self.in_shape}")
        names, errors, chunk, out = [], {}, [], [np.empty((0, len(self.classes)), np.float32)]
        for name, image in named_images(images):
            names.append(name)
            try:
                chunk.append(data.preprocess(image, self.preprocessing))
            except RavineError as error:
                errors[name] = error.what
            if len(chunk) == _CHUNK:
                out.append(self.probabilities(np.stack(chunk), tta))
                chunk = []
        if chunk:
            out.append(self.probabilities(np.stack(chunk), tta))
        return names, errors, np.concatenate(out)
