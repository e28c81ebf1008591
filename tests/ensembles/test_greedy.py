"""Greedy selection: against every step tried by hand, hand-computed cases, and what it promises."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ravine.ensembles import Answers, greedy, vote
from ravine.errors import UsageError


def pool(members: int = 5, n: int = 40, classes: int = 3, seed: int = 0) -> Answers:
    """Members that know more or less."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, classes, n)
    knows = rng.uniform(0, 3, (members, 1, 1)) * np.eye(classes)[labels]
    p = rng.dirichlet(np.ones(classes), (members, n)) + knows * rng.uniform(0, 1, (members, n, 1))
    return Answers(p / p.sum(2, keepdims=True), labels)


def cost(answers: Answers, picks: list[int], metric: str) -> tuple[float, float]:
    p = answers.probabilities[picks].mean(0)
    loss = float(-np.log(p[np.arange(len(answers.labels)), answers.labels]).mean())
    return (0.0 if metric == "log_loss" else float((p.argmax(1) != answers.labels).sum())), loss


def brute_force(answers: Answers, size: int, metric: str) -> np.ndarray:
    """The same rule, with every vote taken anew."""
    alone = sorted(range(answers.members), key=lambda k: cost(answers, [k], metric))
    starts = [alone[: n + 1] for n in range(min(size, answers.members))]
    picks = min(starts, key=lambda start: cost(answers, start, metric))
    best = picks
    while len(picks) < size:
        picks = [*picks, min(range(answers.members), key=lambda k: cost(answers, [*picks, k], metric))]
        if cost(answers, picks, metric) < cost(answers, best, metric):
            best = picks
    return np.bincount(best, minlength=answers.members) / len(best)


@pytest.mark.parametrize("metric", ["log_loss", "accuracy"])
@pytest.mark.parametrize("seed", range(12))
def test_equals_brute_force(metric, seed):
    answers = pool(seed=seed)
    np.testing.assert_allclose(greedy(answers, size=9, metric=metric), brute_force(answers, 9, metric), atol=1e-12)


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 7), st.integers(1, 25), st.integers(1, 6), st.integers(0, 10_000))
def test_never_worse_than_the_best_member_where_it_was_selected(members, size, bags, seed):
    answers = pool(members, 30, seed=seed)
    weights = greedy(answers, size, bags, seed)
    assert weights.shape == (members,)
    assert (weights >= 0).all()
    assert weights.sum() == pytest.approx(1)
    best = min(cost(answers, [k], "log_loss")[1] for k in range(members))
    right = vote(answers.probabilities, weights)[np.arange(30), answers.labels]
    assert -np.log(right).mean() <= best + 1e-12


def test_a_case_computed_by_hand():
    """Member 0 is best alone, 1 is right where it is wrong, 2 knows nothing: 0 and 1 share the vote."""
    p = np.array([[0.9, 0.9, 0.2], [0.5, 0.5, 0.9], [0.5, 0.5, 0.5]])
    answers = Answers(np.stack([p, 1 - p], axis=2), np.zeros(3, np.int64))
    # log losses: alone 0.607, 0.497, 0.693; [1, 0] gives (0.7, 0.7, 0.55) and 0.4371; a third pick makes it worse
    # (0.4397), with a fourth it is as good again; [1, 0, 1, 0, 1] gives (0.66, 0.66, 0.62) and 0.4364
    for size, expected in ((1, [0, 1, 0]), (2, [0.5, 0.5, 0]), (4, [0.5, 0.5, 0]), (5, [0.4, 0.6, 0])):
        for metric in ("log_loss", "accuracy"):  # 1 alone is right three times, so that log loss decides here too
            np.testing.assert_allclose(greedy(answers, size=size, metric=metric), expected)


def test_more_picks_come_to_the_best_mixture():
    """Two members: log loss of w p + (1 - w) q is convex in w; the greedy weights come to its minimum."""
    answers = pool(2, 200, seed=3)
    right = answers.probabilities[:, np.arange(200), answers.labels]
    grid = np.linspace(0, 1, 2001)
    losses = -np.log(grid[:, None] * right[0] + (1 - grid[:, None]) * right[1]).mean(1)
    assert greedy(answers, size=200)[0] == pytest.approx(grid[losses.argmin()], abs=0.01)


def test_ties_go_to_the_first_and_equal_members_are_not_piled_up():
    one = pool(1)
    answers = Answers(np.repeat(one.probabilities, 4, axis=0), one.labels)
    for metric in ("log_loss", "accuracy"):
        assert greedy(answers, size=10, metric=metric).tolist() == [1, 0, 0, 0]


def test_a_member_that_is_not_finite_gets_no_vote():
    answers = pool(3)
    answers.probabilities[1] = np.nan
    assert greedy(answers)[1] == 0
    assert greedy(answers, bags=4)[1] == 0
    with pytest.raises(UsageError, match="no member"):
        greedy(answers.of([1]))


def test_bags_depend_on_the_seed_and_on_nothing_else():
    answers = pool(9, seed=1)
    first = greedy(answers, bags=5, seed=1)
    assert (first == greedy(answers, bags=5, seed=1)).all()
    assert any((first != greedy(answers, bags=5, seed=seed)).any() for seed in range(2, 6))
    assert (greedy(answers, seed=1) == greedy(answers, seed=2)).all()


@pytest.mark.parametrize(
    "wrong", [{"size": 0}, {"size": 1.5}, {"bags": 0}, {"bags": True}, {"metric": "auc"}, {"size": -1}]
)
def test_settings_that_cannot_be(wrong):
    with pytest.raises(UsageError, match=next(iter(wrong))):
        greedy(pool(), **wrong)


def test_no_examples():
    with pytest.raises(UsageError, match="no examples"):
        greedy(pool(n=1).rows(np.array([], np.int64)))
