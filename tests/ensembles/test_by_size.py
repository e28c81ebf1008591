"""Accuracy against the number of members: against every subset, one by one."""

import sys
from itertools import combinations

import numpy as np
import pytest

from ravine.ensembles import Answers, by_size, log_losses, vote


def some(members=5, n=60, classes=3, seed=0):
    rng = np.random.default_rng(seed)
    return Answers(rng.dirichlet(np.ones(classes), (members, n)), rng.integers(0, classes, n))


@pytest.mark.parametrize("weights", [None, np.array([3.0, 1.0, 1.0, 2.0, 5.0])])
def test_all_subsets_are_voted_one_by_one(weights):
    answers = some()
    sizes = by_size(answers, weights)
    assert [size.members for size in sizes] == [1, 2, 3, 4, 5]
    for size in sizes:
        assert size.complete
        for i, chosen in enumerate(combinations(range(5), size.members)):
            p = vote(answers.probabilities[list(chosen)], None if weights is None else weights[list(chosen)])
            assert size.accuracy[i] == pytest.approx((p.argmax(1) == answers.labels).mean())
            assert size.log_loss[i] == pytest.approx(log_losses(p, answers.labels).mean())


def test_a_sample_is_of_different_subsets_and_seeded():
    answers = some(members=12, n=500)
    first, again, other = (by_size(answers, most=40, seed=seed) for seed in (1, 1, 2))
    assert [len(size.accuracy) for size in first] == [12, 40, 40, 40, 40, 40, 40, 40, 40, 40, 12, 1]
    assert [size.complete for size in first] == [True] + [False] * 9 + [True, True]
    assert len(np.unique(first[5].log_loss)) == 40
    for a, b, c in zip(first[1:10], again[1:10], other[1:10], strict=True):
        assert (a.log_loss == b.log_loss).all()
        assert (a.log_loss != c.log_loss).any()


def test_a_sample_has_the_mean_of_all():
    answers = some(members=8, n=200)
    sample, whole = by_size(answers, most=40)[3], by_size(answers, most=70)[3]
    assert whole.complete
    assert set(np.round(sample.log_loss, 9)) <= set(np.round(whole.log_loss, 9))
    assert sample.log_loss.mean() == pytest.approx(whole.log_loss.mean(), abs=4 * whole.log_loss.std() / 40**0.5)


def test_chunks_change_nothing(monkeypatch):
    answers = some(n=50)
    whole = by_size(answers)
    monkeypatch.setattr(sys.modules[by_size.__module__], "_AT_ONCE", 100)
    for a, b in zip(whole, by_size(answers), strict=True):
        np.testing.assert_allclose(a.accuracy, b.accuracy, rtol=1e-12)
        np.testing.assert_allclose(a.log_loss, b.log_loss, rtol=1e-12)


def test_the_mean_loss_falls_with_every_member():
    """Jensen: a subset of k + 1 is the mean of its subsets of k."""
    losses = [size.log_loss.mean() for size in by_size(some())]
    assert losses == sorted(losses, reverse=True)
