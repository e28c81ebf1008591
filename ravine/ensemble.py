"""Several trained networks as one that votes: of different kinds, sizes and preprocessing, with the same classes."""

from collections.abc import Sequence
from dataclasses import replace
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np
import torch

from ravine import data
from ravine.checkpoints import weights_file
from ravine.ensembles import Answers, log_losses, vote
from ravine.errors import DataError, UsageError
from ravine.prediction import Predictor
from ravine.seen import Seen, seen_by
from ravine.trained import Trained
from ravine.training.evaluate import Score, evaluate

_BATCH = 512


class Ensemble(Predictor):
    """Trained networks whose probabilities are averaged. Each sees an image with its own preprocessing.

        >>> both = ravine.Ensemble([ravine.load("runs/a"), ravine.load("runs/b")])

    Args:
        networks: 1 or more, also with several members and also ensembles; their classes are the same, in any order. A
            run stands for its best weights, a path for what `ravine.load` reads.
        weights: a number for each network (shared by its members), or for each member; 0 leaves out. Equal members
            where None.
        name: for messages.

    Attributes:
        classes: those of the first network.
        names: of the members.
        weights: of the members, `[K]`, above 0, with sum 1; None where all are equal.

    Raises:
        UsageError: no networks, other classes, or weights that cannot be.
    """

    def __init__(
        self,
        networks: Sequence[Any],
        weights: Sequence[float] | np.ndarray | None = None,
        *,
        name: str = "ensemble",
    ):
        if isinstance(networks, str | PathLike) or not isinstance(networks, Sequence):
            raise UsageError(f"{type(networks).__name__} is no list", where="Ensemble", expected="a list of networks")
        if not networks:
            raise UsageError("no networks", where="Ensemble", expected="1 or more")
        from ravine.loading import network_of  # which reads ensembles

        networks = [network_of(network, "Ensemble") for network in networks]
        self.name, self.classes = name, networks[0].classes
        for other in networks[1:]:
            _refuse_different(networks[0], other)
        shares = _shares(networks, weights)
        names = _names(networks)
        parts, kept, start = [], [], 0
        for part in (part for network in networks for part in network.parts):
            members = len(part.population.members)
            voting = [k for k in range(members) if shares[start + k] > 0]
            if voting:
                parts.append(part if len(voting) == members else part.of(voting))
            kept += [start + k for k in voting]
            start += members
        self._parts, self.names = tuple(parts), tuple(names[k] for k in kept)
        equal = np.allclose(shares[kept], shares[kept[0]], rtol=1e-12)
        self.weights = None if equal else shares[kept] / shares[kept].sum()
        self._order(self.classes)

    @property
    def parts(self) -> tuple[Trained, ...]:
        return self._parts

    @property
    def about(self) -> dict[str, Any]:  # pyright: ignore[reportIncompatibleVariableOverride]
        """What the joined file says of itself: the parts' own words, members' names and weights."""
        weights = None if self.weights is None else self.weights.tolist()
        parts = [part.about for part in self.parts]
        return {"classes": list(self.classes), "names": list(self.names), "weights": weights, "parts": parts}

    @property
    def tensors(self) -> dict[str, torch.Tensor]:
        """The weights of all parts by name, as the joined file holds them: no copies."""
        return {f"part{i:02d}/{name}": t for i, part in enumerate(self.parts) for name, t in part.tensors.items()}

    def save(self, path: str | PathLike[str]) -> None:
        """Writes one weights file with all parts, which `ravine.load` reads. Raises SaveError."""
        weights_file.write(Path(path), self.tensors, self.about)

    @staticmethod
    def read(tensors: dict[str, torch.Tensor], about: dict[str, Any], name: str, device: torch.device) -> "Ensemble":
        """The reverse of `save`, from what is in the file. Raises DataError where it does not describe an ensemble."""
        try:
            parts = [
                Trained(
                    {key[len(prefix) :]: t for key, t in tensors.items() if key.startswith(prefix)},
                    part,
                    name=name,
                    device=device,
                )
                for part, prefix in ((part, f"part{i:02d}/") for i, part in enumerate(about["parts"]))
            ]
            ensemble = Ensemble(parts, about["weights"], name=name)
            ensemble.names = tuple(about["names"])
            ensemble._order(tuple(about["classes"]))  # not the first part's where a network was left out
        except (KeyError, TypeError, ValueError) as error:
            raise DataError(f"does not describe an ensemble: {error}", where=name) from error
        return ensemble

    def each(self, x: np.ndarray, tta: str | int = "none") -> np.ndarray:
        """As of any network; `x` is brought to each part's own size and channels where it differs."""
        return self._said([data.examples(x, self.name, part.preprocessing) for part in self.parts], tta)

    def answers(self, dataset: data.Dataset, split: str, tta: str | int = "none") -> Answers:
        said = [part.answers(seen_by(part, dataset), split, tta) for part in self.parts]
        probabilities = self._in_order([one.probabilities for one in said])
        # the labels are in the order of the first part's classes, and that is this one's
        of = np.array([self.classes.index(name) for name in self.parts[0].classes])
        return Answers(probabilities, of[said[0].labels], self.names)

    def open(self, source: Any, **options: Any) -> Seen:
        """As of any network, once for each different preprocessing."""
        different = {part.preprocessing: part for part in self.parts}
        return Seen.of([part.open(source, **options) for part in different.values()])

    def evaluate(self, dataset: data.Dataset, split: str, tta: str | int = "none") -> Score:
        answers = self.answers(dataset, split, tta)
        logits = torch.from_numpy(vote(answers.probabilities, self.weights)).double().log()
        labels, rows = torch.from_numpy(answers.labels), torch.arange(len(answers.labels))
        batches = ((own, labels[own]) for own in rows.split(_BATCH))
        score = evaluate(lambda own: logits[own[0]][None].clamp(min=-100), batches, 1, len(self.classes))
        losses = log_losses(answers.probabilities, answers.labels).mean(1)
        return replace(score, loss=tuple(losses.tolist()), accuracy=tuple(answers.correct.mean(1).tolist()))

    def _order(self, classes: tuple[str, ...]) -> None:
        self.classes = classes
        self._columns = [[part.classes.index(name) for name in classes] for part in self.parts]

    def _said(self, seen: Sequence[np.ndarray], tta: str | int) -> np.ndarray:
        return self._in_order([part.each(x, tta) for part, x in zip(self.parts, seen, strict=True)])

    def _in_order(self, said: Sequence[np.ndarray]) -> np.ndarray:
        return np.concatenate([p[:, :, of] for p, of in zip(said, self._columns, strict=True)])


def _refuse_different(first: Predictor, other: Predictor) -> None:
    ours, theirs = set(first.classes), set(other.classes)
    if ours != theirs:
        found = [f"without {', '.join(sorted(ours - theirs))}"] if ours - theirs else []
        found += [f"with {', '.join(sorted(theirs - ours))}"] if theirs - ours else []
        what = f"other classes than {first.name}: {' and '.join(found)}"
        raise UsageError(what, where=other.name, expected="networks with the same classes")
    if (first.parts[0].preprocessing is None) != (other.parts[0].preprocessing is None):
        raise UsageError(f"one of {first.name} and {other.name} sees images, the other arrays", where="Ensemble")


def _shares(networks: Sequence[Predictor], weights: Sequence[float] | np.ndarray | None) -> np.ndarray:
    """Each member's share of the vote, `[K]`; members of an ensemble keep their shares within it."""
    counts = [sum(len(part.population.members) for part in network.parts) for network in networks]
    inner = [np.ones(n) if one.weights is None else n * one.weights for one, n in zip(networks, counts, strict=True)]
    if weights is None:
        return np.concatenate(inner)
    given = np.asarray(weights, np.float64)
    if given.shape not in ((len(networks),), (sum(counts),)) or not (given >= 0).all() or not 0 < given.sum() < np.inf:
        members = f" or {sum(counts)}, one a member" if sum(counts) != len(networks) else ""
        expected = f"{len(networks)} numbers, 0 or more and not all 0, one a network{members}"
        raise UsageError(f"weights {given.tolist()}", where="Ensemble", expected=expected)
    if len(given) == sum(counts):
        return given
    return np.concatenate([w * own / len(own) for w, own in zip(given, inner, strict=True)])


def _names(networks: Sequence[Predictor]) -> list[str]:
    """Of all members: the run's or file's name, with a number where there are several."""
    names = []
    for network in networks:
        if isinstance(network, Ensemble):
            names += network.names
            continue
        path = Path(network.name)
        label = path.stem
        if path.parent.name == "weights":  # a run's; its best weights stand for it
            label = " ".join([path.parent.parent.name, *([label] if label != "best" else [])])
        members = len(network.parts[0].population.members)
        names += [f"{label} {k:02d}" for k in range(members)] if members > 1 else [label or network.name]
    return [name if names.count(name) == 1 else f"{name} ({names[:i].count(name) + 1})" for i, name in enumerate(names)]
