"""Greedy selection with replacement: which members vote, and how often, chosen on validation (Caruana et al., 2004)."""

from typing import Literal

import numpy as np

from ravine import draws
from ravine.ensembles.answers import Answers
from ravine.ensembles.scores import LEAST
from ravine.errors import UsageError

_MOST_LOSS = 100.0  # above any log loss, so that loss / it never outweighs one wrong answer
_REAL = 1 - 1e-12  # what is better by less than this factor is better by rounding only


def greedy(
    answers: Answers, size: int = 50, bags: int = 1, seed: int = 0, metric: Literal["log_loss", "accuracy"] = "log_loss"
) -> np.ndarray:
    """Weights for `vote`, from picks that each make the vote of all picks so far best on these examples.

        picks <- picks + [argmin_k cost(vote(picks + [k]))],   w_k = share of picks that are k

    It begins with the best members in order of their own cost, as many as vote best together (the paper's sorted
    initialisation), and ends with the shortest list of picks that was best on the way. Where members tie, the one that
    is better alone is taken, then the first.

    A bag in the paper is a random half of the pool, at times without its best member; here that is in every bag. So
    each bag's vote is at least as good as the best member's, and in log loss so is the vote of all bags (Jensen): where
    it was selected the result is never worse in log loss than the best single member. Elsewhere it can be, which is
    what a test split is for.

    Args:
        answers: of the pool on validation examples, never on test; any networks with the same classes.
        size: most picks, 1 or more; weights are multiples of 1 / picks.
        bags: 1 selects from the whole pool; more select from so many halves of it, whose weights are averaged, which
            overfits a large pool less.
        seed: of the halves.
        metric: "log_loss", or "accuracy", where equal counts of wrong answers are told apart by log loss.

    Returns:
        float64 `[K]`, 0 or more, sum 1. A member whose probabilities are not all finite gets 0.

    Raises:
        UsageError: no examples, no member with finite probabilities, or a setting that cannot be.

    Reference: Caruana, Niculescu-Mizil, Crew, Ksikes, "Ensemble Selection from Libraries of Models", 2004.
    """
    for name, value in (("size", size), ("bags", bags)):
        if isinstance(value, bool) or not isinstance(value, int) or value < 1:
            raise UsageError(f"{name} cannot be {value!r}", where="greedy", expected="a whole number, 1 or more")
    if metric not in ("log_loss", "accuracy"):
        raise UsageError(f"metric cannot be {metric!r}", where="greedy", expected="log_loss or accuracy")
    pool = _Pool(answers, metric)
    weights = np.zeros(answers.members)
    for bag in range(bags):
        members = pool.sorted
        if bags > 1:
            rng = np.random.default_rng(draws.number(seed, bag, "selection"))
            half = rng.permutation(pool.sorted[1:])[: (len(pool.sorted) + 1) // 2 - 1]
            members = [k for k in pool.sorted if k == pool.sorted[0] or k in half]
        picks = pool.grown(pool.started(members, size), members, size)
        weights += np.bincount(picks, minlength=answers.members) / len(picks)
    return weights / bags


class _Pool:
    """The members, and what a vote of some of them costs.

    Attributes:
        sorted: the members whose probabilities are finite, best first.
    """

    def __init__(self, answers: Answers, metric: str):
        if not len(answers.labels):
            raise UsageError("no examples", where="greedy", expected="at least one, of validation")
        self.p, self.labels, self.metric = answers.probabilities, answers.labels, metric
        self.right = np.take_along_axis(self.p, self.labels[None, :, None], axis=2)[..., 0].astype(np.float64)
        finite = [k for k in range(len(self.p)) if np.isfinite(self.p[k]).all()]
        if not finite:
            raise UsageError("no member with finite probabilities", where="greedy", expected="at least one")
        self.sorted = sorted(finite, key=lambda k: self.cost(k, np.zeros(self.p.shape[1:]), 0))  # stable: ties in order

    def cost(self, k: int, total: np.ndarray, picks: int) -> float:
        """Of the vote of so many picks, whose probabilities add up to `total` `[N, classes]`, and of member k."""
        right = (np.take_along_axis(total, self.labels[:, None], axis=1)[:, 0] + self.right[k]) / (picks + 1)
        loss = float(-np.log(np.maximum(right, LEAST)).mean())
        if self.metric == "log_loss":
            return loss
        wrong = int(((total + self.p[k]).argmax(1) != self.labels).sum())
        return wrong + loss / _MOST_LOSS

    def started(self, members: list[int], size: int) -> list[int]:
        """The first of these sorted members, as many as vote best together; at most `size`."""
        total, best, length = np.zeros(self.p.shape[1:]), np.inf, 0
        for n, k in enumerate(members[:size]):
            cost = self.cost(k, total, n)
            total += self.p[k]
            if cost < best * _REAL:
                best, length = cost, n + 1
        return members[: max(1, length)]

    def grown(self, picks: list[int], members: list[int], size: int) -> list[int]:
        """The picks and those greedily added to them, up to the shortest list that was best on the way."""
        total, picks = np.zeros(self.p.shape[1:]), list(picks)
        for k in picks[:-1]:
            total += self.p[k]
        best, length = self.cost(picks[-1], total, len(picks) - 1), len(picks)
        total += self.p[picks[-1]]
        while len(picks) < size:
            costs = [self.cost(k, total, len(picks)) for k in members]
            at = int(np.argmin(costs))
            picks.append(members[at])
            total += self.p[members[at]]
            if costs[at] < best * _REAL:
                best, length = costs[at], len(picks)
        return picks[:length]
