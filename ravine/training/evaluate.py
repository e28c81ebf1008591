"""Scoring in eval mode: loss, accuracy, confusion and calibration, streamed batch by batch."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch.nn import functional as F

from ravine.interval import wilson

_BINS = 15


@dataclass(frozen=True)
class Score:
    """What a population got right on `n` examples.

    Attributes:
        n: examples scored.
        loss, accuracy: of each member, `[K]`, cross entropy in nats and share of right answers.
        vote_loss: cross entropy of the members' averaged probabilities (K = 1: of the member).
        confusion: `[classes, classes]` counts of the averaged prediction; row = true class, column = predicted.
        ece: expected calibration error of the averaged prediction, 15 equal bins of confidence.
    """

    n: int
    loss: tuple[float, ...]
    accuracy: tuple[float, ...]
    vote_loss: float
    confusion: np.ndarray
    ece: float

    @property
    def vote_accuracy(self) -> float:
        """Accuracy of the averaged probabilities; with K = 1 the member's own."""
        return float(np.trace(self.confusion) / self.n) if self.n else float("nan")

    @property
    def interval(self) -> tuple[float, float]:
        """95% interval (Wilson) of `vote_accuracy`."""
        return wilson(float(np.trace(self.confusion)), self.n)

    @property
    def recall(self) -> np.ndarray:
        """`[classes]`: share of each class's examples that were recognised; NaN where there are none."""
        counts = self.confusion.sum(axis=1)
        return np.divide(np.diag(self.confusion), counts, out=np.full(len(counts), np.nan), where=counts > 0)

    @property
    def balanced_accuracy(self) -> float:
        """The mean recall over the classes that occur: what accuracy would be with equally many of each."""
        return float(np.nanmean(self.recall)) if self.n else float("nan")

    def confusions(self, most: int = 5) -> list[tuple[int, int, int]]:
        """The most frequent mistakes as (true class, predicted class, how often), most frequent first."""
        wrong = self.confusion - np.diag(np.diag(self.confusion))
        order = np.argsort(-wrong, axis=None, kind="stable")[:most]
        rows = ((*divmod(int(i), len(wrong)), int(wrong.flat[i])) for i in order)
        return [row for row in rows if row[2]]

    def to_json(self, classes: tuple[str, ...]) -> dict[str, Any]:
        """Plain numbers under speaking names."""
        low, high = self.interval
        recall = zip(classes, self.recall, strict=True)
        return {
            "n": self.n,
            "accuracy": self.vote_accuracy,
            "accuracy_interval": [low, high],
            "balanced_accuracy": self.balanced_accuracy,
            "loss": self.vote_loss,
            "expected_calibration_error": self.ece,
            "recall": {name: None if np.isnan(value) else float(value) for name, value in recall},
            "confusion": self.confusion.tolist(),
        }


@torch.no_grad()
def evaluate(
    run: Callable[[torch.Tensor], torch.Tensor],
    batches: Iterable[Any],
    members: int,
    classes: int,
    voters: Sequence[int] | None = None,
    keep: Callable[[torch.Tensor, torch.Tensor], None] | None = None,
) -> Score:
    """Scores `run` (a population's forward, in eval mode) on batches `(x [B, ...], y [B])` that all members share.

    The probabilities of the members `voters` are averaged; of all where None. `keep` is given each batch's averaged
    probabilities `[B, classes]` and labels `[B]`, in order: what is scored.
    """
    totals: torch.Tensor | None = None
    n = 0
    for x, y in batches:
        logits = run(x.unsqueeze(0).expand(members, *x.shape)).float()
        vote = _vote(logits, list(range(members) if voters is None else voters))
        sums = _sums(logits, vote, y, classes)
        totals = sums if totals is None else totals + sums
        n += len(y)
        if keep:
            keep(vote.exp(), y)
    if totals is None:
        totals = torch.zeros(2 * members + 1 + classes * classes + 3 * _BINS, dtype=torch.float64)
    loss, correct, vote_loss, confusion, bins = totals.cpu().split([members, members, 1, classes * classes, 3 * _BINS])
    count, confidence, right = bins.view(3, _BINS)
    each = n or float("nan")
    return Score(
        n=n,
        loss=tuple((loss / each).tolist()),
        accuracy=tuple((correct / each).tolist()),
        vote_loss=float(vote_loss / each),
        confusion=confusion.view(classes, classes).numpy().astype(np.int64),
        # ECE = sum over bins of share * |accuracy - confidence|
        ece=float((right - confidence).abs().sum() / each),
    )


def _vote(logits: torch.Tensor, voters: list[int]) -> torch.Tensor:
    """The logarithm of the voters' average of probabilities, from `[K, B, classes]` to `[B, classes]`."""
    chosen = logits if len(voters) == len(logits) else logits[voters]
    return chosen.log_softmax(2).logsumexp(0) - float(np.log(len(voters)))


def _sums(logits: torch.Tensor, vote: torch.Tensor, y: torch.Tensor, classes: int) -> torch.Tensor:
    """All that a batch adds up to, as one float64 vector, so that a GPU is asked once, at the end."""
    members, batch, _ = logits.shape
    targets = y.expand(members, batch)
    loss = F.cross_entropy(logits.flatten(0, 1), targets.flatten(), reduction="none")
    loss = loss.view(members, batch).double().sum(1)
    correct = (logits.argmax(2) == targets).double().sum(1)
    vote_loss = F.nll_loss(vote, y, reduction="sum").double().view(1)
    confidence, predicted = vote.exp().max(1)
    confusion = torch.bincount(y * classes + predicted, minlength=classes * classes).double()
    bin_of = (confidence.double() * _BINS).long().clamp(0, _BINS - 1)
    right = (predicted == y).double()
    bins = [torch.bincount(bin_of, weights, minlength=_BINS).double() for weights in (None, confidence.double(), right)]
    return torch.cat([loss, correct, vote_loss, confusion, *bins])
