"""The report: what each member, the mean member, the best member and the vote are worth, and what they cost."""

from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np

from ravine.ensembles.answers import Answers
from ravine.ensembles.by_size import Size, by_size
from ravine.ensembles.calibration import tempered
from ravine.ensembles.costs import Costs
from ravine.ensembles.diversity import disagreement, error_correlation, pair_mean
from ravine.ensembles.gain import Gain, gain
from ravine.ensembles.quality import Quality, mean_quality, quality
from ravine.ensembles.reliability import Reliability, reliability
from ravine.ensembles.scores import log_losses
from ravine.ensembles.vote import as_array, vote
from ravine.errors import UsageError

FLATTERS = (
    "validation chose epochs, best member and temperatures (and, where they were selected, who votes) and here judges "
    "them, so all of them are a little flattering"
)


@dataclass(frozen=True)
class EnsembleReport:
    """What `report` found; see there. `over_mean` and `over_best` have a `Gain` by "accuracy" and by "loss"."""

    split: str
    n: int
    each: tuple[Quality, ...]
    mean: Quality
    best: int | None
    vote: Quality
    over_mean: dict[str, Gain]
    over_best: dict[str, Gain] | None
    disagreement: np.ndarray
    error_correlation: np.ndarray
    sizes: tuple[Size, ...]
    before: Reliability
    after: Reliability | None
    weights: tuple[float, ...] | None
    costs: Costs | None
    notes: tuple[str, ...]

    @property
    def verdict(self) -> str:
        """The first thing to know, in a sentence or two."""
        said = f"{len(self.each)} members: {self.vote.accuracy:.1%}, the mean member {self.mean.accuracy:.1%} "
        said += f"({self.over_mean['accuracy']})"
        if self.best is not None and self.over_best:
            best = self.each[self.best]
            said += f", the member that is best on validation {best.accuracy:.1%} "
            said += f"({self.over_best['accuracy']})"
        if self._sure and self.enough < len(self.each):
            said += f". {self.enough} members reach nine tenths of the gain over the mean member"
        return said

    @property
    def _sure(self) -> bool:
        """Whether there is a gain, for these members and for others, that a part of could be worth having."""
        mean, best = self.over_mean["accuracy"], self.over_best["accuracy"] if self.over_best else None
        sure = mean.images[0] > 0 and (mean.trainings is None or mean.trainings[0] > 0)
        return sure and (best is None or best.value >= 0)

    @property
    def enough(self) -> int:
        """The smallest number of members that reaches nine tenths of all members' gain."""
        means = [float(size.accuracy.mean()) for size in self.sizes]
        return next(k for k, mean in enumerate(means, 1) if mean - means[0] >= 0.9 * (means[-1] - means[0]))

    def to_json(self) -> dict[str, Any]:
        """Plain numbers; NaN where there is none (one member always right has no error correlation)."""
        gains = {"over_mean": self.over_mean, "over_best": self.over_best}
        pairs = {"disagreement": self.disagreement, "error_correlation": self.error_correlation}
        return {
            "verdict": self.verdict,
            "members": len(self.each),
            "scored_on": self.split,
            "n": self.n,
            "vote": self.vote.to_json(),
            "mean_member": self.mean.to_json(),
            "best_member": None if self.best is None else self.each[self.best].to_json(),
            "each": [one.to_json() for one in self.each],
            "gain": {name: of and {s: asdict(g) for s, g in of.items()} for name, of in gains.items()},
            **{name: {"mean": pair_mean(matrix), "pairs": matrix.tolist()} for name, matrix in pairs.items()},
            "by_members": [_size_json(size) for size in self.sizes],
            "reliability": {"before": _bins_json(self.before), "after": self.after and _bins_json(self.after)},
            "weights": self.weights,
            "costs": self.costs and asdict(self.costs),
            "notes": list(self.notes),
        }


def report(
    val: Answers | None,
    test: Answers | None,
    costs: Costs | None = None,
    *,
    weights: np.ndarray | None = None,
    notes: tuple[str, ...] = (),
    independent: bool = True,
) -> EnsembleReport:
    """Judges an ensemble.

    The best member and the temperatures are chosen on validation, everything is scored on test. Without a test split
    validation does both, and a note says that it flatters. Without validation there is no best member and no
    temperature.

    Args:
        val, test: what at least 2 members say of each split; one of the two may be None.
        costs: what they cost.
        weights: `[K]`, above 0, as of `vote`.
        notes: sentences that belong to it.
        independent: whether members are trainings of their own. Folds and snapshots are not, so that they do not tell
            how much another training would gain, and no `Gain` has `trainings`.

    Raises:
        UsageError: neither split, one member only, other members on validation than on test, or weights that cannot be.
    """
    judged = test or val
    if judged is None or judged.members < 2:
        found = "no answers" if judged is None else "one member"
        raise UsageError(found, where="report", expected="validation or test answers of 2 members or more")
    if val is not None and val.probabilities.shape[::2] != judged.probabilities.shape[::2]:
        found = f"members and classes {val.probabilities.shape[::2]} and {judged.probabilities.shape[::2]}"
        raise UsageError(found, where="report", expected="the same members on validation and test")
    for answers in (judged, val or judged):
        _refuse(answers)
    weights = None if weights is None else as_array(weights, "report").astype(np.float64)
    ranking = None if val is None else _ranking(val)
    held = None if val is None else (vote(val.probabilities, weights), val.labels)
    together = vote(judged.probabilities, weights)
    each = [
        quality(name, p, judged.labels, None if val is None else (val.probabilities[k], val.labels))
        for k, (name, p) in enumerate(zip(judged.names, judged.probabilities, strict=True))
    ]
    whole = quality("vote", together, judged.labels, held)
    cooled = None if whole.temperature is None else tempered(together, whole.temperature)
    return EnsembleReport(
        split="val" if test is None else "test",
        n=len(judged.labels),
        each=tuple(each),
        mean=mean_quality(each),
        best=None if ranking is None else ranking[0],
        vote=whole,
        over_mean=_gains(judged, None, weights, independent),
        over_best=None if ranking is None else _gains(judged, ranking, weights, independent),
        disagreement=disagreement(judged),
        error_correlation=error_correlation(judged),
        sizes=tuple(by_size(judged, weights)),
        before=reliability(together, judged.labels),
        after=None if cooled is None else reliability(cooled, judged.labels),
        weights=None if weights is None else tuple((weights / weights.sum()).tolist()),
        costs=costs,
        notes=notes if test is not None else (*notes, FLATTERS),
    )


def _refuse(answers: Answers) -> None:
    """Raises UsageError for answers that cannot be scored."""
    if not len(answers.labels):
        raise UsageError("no examples", where="report", expected="at least one")
    lost = [name for name, p in zip(answers.names, answers.probabilities, strict=True) if not np.isfinite(p).all()]
    if lost:
        raise UsageError(f"probabilities of {', '.join(lost)} are not finite", where="report", expected="0 to 1")


def _ranking(val: Answers) -> list[int]:
    """Members by validation accuracy, where equal by log loss, the best first."""
    losses = log_losses(val.probabilities, val.labels).mean(1)
    return np.lexsort((losses, -val.correct.mean(1))).tolist()


def _gains(
    answers: Answers, ranking: list[int] | None, weights: np.ndarray | None, independent: bool
) -> dict[str, Gain]:
    accuracy = gain(answers, ranking, weights=weights)
    found = {"accuracy": accuracy, "loss": gain(answers, ranking, score="log_loss", weights=weights)}
    return found if independent else {name: replace(one, trainings=None) for name, one in found.items()}


def _size_json(size: Size) -> dict[str, Any]:
    columns = {"accuracy": size.accuracy, "loss": size.log_loss}
    means = {name: float(values.mean()) for name, values in columns.items()}
    spreads = {f"{name}_sd": float(values.std()) for name, values in columns.items()}
    return {
        "members": size.members, "subsets": len(size.accuracy), "complete": size.complete, **means, **spreads
    }  # fmt: skip


def _bins_json(bins: Reliability) -> dict[str, Any]:
    return {name: getattr(bins, name).tolist() for name in ("count", "confidence", "accuracy")}
