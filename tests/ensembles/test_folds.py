"""Folds: each example once, stratified, as scikit-learn promises too."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.model_selection import StratifiedKFold

from ravine.ensembles import folds
from ravine.errors import UsageError


def spread(fold: np.ndarray, labels: np.ndarray, k: int) -> tuple[int, int]:
    """By how much the folds' sizes differ: at most within a class, and overall."""
    within = max(int(np.ptp(np.bincount(fold[labels == c], minlength=k))) for c in np.unique(labels))
    return within, int(np.ptp(np.bincount(fold, minlength=k)))


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(0, 4), min_size=2, max_size=80), st.integers(2, 8), st.integers(0, 1000))
def test_sizes_differ_by_one_at_most_within_each_class_and_overall(labels, k, seed):
    labels = np.array(labels)
    if k <= len(labels):
        assert max(spread(folds(labels, k, seed), labels, k)) <= 1


@pytest.mark.parametrize("k", [2, 3, 5, 10])
def test_as_balanced_as_scikit_learns(k):
    labels = np.random.default_rng(0).choice(4, 203, p=[0.5, 0.3, 0.15, 0.05])
    theirs = np.empty(len(labels), np.int64)
    for number, (_, held_out) in enumerate(StratifiedKFold(k, shuffle=True, random_state=0).split(labels, labels)):
        theirs[held_out] = number
    ours = folds(labels, k)
    for c in range(4):
        mine = sorted(np.bincount(ours[labels == c], minlength=k))
        assert mine == sorted(np.bincount(theirs[labels == c], minlength=k))
    assert sorted(np.bincount(ours)) == sorted(np.bincount(theirs))


def test_seeded_and_shuffled():
    labels = np.arange(60) % 3
    assert (folds(labels, 5, 1) == folds(labels, 5, 1)).all()
    assert (folds(labels, 5, 1) != folds(labels, 5, 2)).any()
    together = np.mean([folds(labels, 5, seed)[0] == folds(labels, 5, seed)[3] for seed in range(400)])
    assert together == pytest.approx(3 / 19, abs=0.06)  # two of a class of 20 in 5 folds of 4


def test_groups_stay_together_and_the_rest_is_balanced():
    labels = np.arange(100) % 4
    groups = np.arange(100)
    groups[[4, 8, 12]] = 0
    fold = folds(labels, 5, groups=groups)
    assert len(set(fold[[0, 4, 8, 12]].tolist())) == 1
    assert max(spread(np.delete(fold, [4, 8, 12]), np.delete(labels, [4, 8, 12]), 5)) <= 1
    assert (folds(labels, 5, groups=np.arange(100)) == folds(labels, 5)).all()


@pytest.mark.parametrize("k", [0, 1, 7, 2.0, True, -3])
def test_numbers_of_folds_that_cannot_be(k):
    with pytest.raises(UsageError, match="k cannot be"):
        folds(np.zeros(6, np.int64), k)
    with pytest.raises(UsageError, match="2 to 2"):
        folds(np.zeros(6, np.int64), 3, groups=np.arange(6) % 2)
