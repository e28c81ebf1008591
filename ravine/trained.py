"""A trained network, read from its weights file: predicts and is evaluated, always in eval mode."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch

from ravine import building, data, draws
from ravine.ensembles import Answers
from ravine.errors import DataError, UsageError
from ravine.population import Population, forward
from ravine.prediction import CHUNK, Predictor
from ravine.training.evaluate import Score, evaluate
from ravine.training.feed import Normalization
from ravine.viewing import looking, views_for

_BATCH = 512


class Trained(Predictor):
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
            self.classes = tuple(about["classes"])
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

    @property
    def parts(self) -> "tuple[Trained, ...]":
        return (self,)

    @property
    def tensors(self) -> dict[str, torch.Tensor]:
        """The weights by name, as a weights file holds them: no copies."""
        return self.population.named(self.population.state())

    def of(self, members: Sequence[int]) -> "Trained":
        """Some of the K members as a network of their own (a copy), in the order given."""
        tensors = {}
        for place, k in enumerate(members):
            member = self.population.members[k]
            prefix = f"member{place:02d}/" if len(members) > 1 else ""
            tensors |= {prefix + name: t for name, t in (*member.named_parameters(), *member.named_buffers())}
        kept = ("epochs", "scores", "identities", "places")
        chosen = {name: [of[k] for k in members] for name in kept if (of := self.about.get(name))}
        about = {**self.about, **chosen, "members": len(members)}
        return Trained(tensors, about, name=self.name, device=self.device)

    @torch.no_grad()
    def each(self, x: np.ndarray, tta: str | int = "none") -> np.ndarray:
        self._check_pixels(x.dtype, self.name)
        if x.shape[1:] != self.in_shape:
            raise UsageError(f"rows of shape {x.shape[1:]}", where=self.name, expected=str(self.in_shape))
        members = len(self.population.members)
        run, out = self._look(tta), [np.empty((members, 0, len(self.classes)), np.float32)]
        for start in range(0, len(x), CHUNK):
            # a copy, since torch warns of arrays that cannot be written to
            rows = torch.from_numpy(np.array(x[start : start + CHUNK], order="C")).to(self.device)
            out.append(run(rows).softmax(2).cpu().numpy())
        return np.concatenate(out, axis=1)

    def answers(self, dataset: data.Dataset, split: str, tta: str | int = "none") -> Answers:
        part, labels = self._part(dataset, split)
        chunks = [np.arange(start, min(start + _BATCH, len(part))) for start in range(0, len(part), _BATCH)]
        empty = np.empty((len(self.population.members), 0, len(self.classes)), np.float32)
        probabilities = np.concatenate([empty, *(self.each(part.take(rows), tta) for rows in chunks)], axis=1)
        return Answers(probabilities, labels)

    def open(self, source: Any, **options: Any) -> data.Dataset:
        return data.load(source, size=self.preprocessing or "auto", **options)

    def evaluate(self, dataset: data.Dataset, split: str, tta: str | int = "none") -> Score:
        part, of = self._part(dataset, split)
        labels = torch.from_numpy(of).to(self.device)
        run, rows = self._look(tta), torch.arange(len(part), device=self.device)
        raw = lambda own: torch.from_numpy(part.take(own.cpu().numpy())).to(self.device)  # noqa: E731
        batches = ((raw(own), labels[own]) for own in rows.split(_BATCH))
        return evaluate(lambda x: run(x[0]), batches, len(self.population.members), len(self.classes))

    def is_batch(self, x: np.ndarray) -> bool:
        """Whether `x` is examples `[N, ...]` rather than one image. Raises UsageError where it can be either."""
        if self.preprocessing is None:
            return True
        if x.ndim == 3 and x.shape == self.in_shape and x.shape[0] == 3:
            what, cure = f"shape {x.shape} can be 3 gray images or one in colour", "Pass x[None] or x[:, None]"
            raise UsageError(what, where="predict", expected="[N, H, W] or [H, W, 3]", cure=cure)
        if x.ndim == 4:
            return True
        return x.ndim == 3 and (x.shape[2] not in (1, 3) or (1, *x.shape[1:]) == self.in_shape)

    def _said(self, seen: Sequence[np.ndarray], tta: str | int) -> np.ndarray:
        return self.each(seen[0], tta)

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
        with draws.own_generators():  # the initial weights, which are overwritten, are drawn
            head = self.about.get("head", "linear")
            return building.network(self.about["model"], self.in_shape, len(self.classes), head, flag="model")

    def _check_pixels(self, dtype: np.dtype, where: str) -> None:
        """Pixels 0..255 and floats are scaled differently, so that neither can stand in for the other."""
        if (dtype == np.uint8) != (self.preprocessing is not None):
            expected = "floats" if self.preprocessing is None else "uint8"
            raise DataError(f"examples of {dtype}", where=where, expected=f"{expected}, as in training")
