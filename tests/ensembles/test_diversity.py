"""Disagreement and correlated errors, by hand and against numpy and scikit-learn."""

import numpy as np
import pytest
from sklearn.metrics import accuracy_score

from ravine.ensembles import Answers, disagreement, error_correlation
from ravine.ensembles.diversity import pair_mean


def saying(said, labels, classes=3):
    """Members that name these classes `[K, N]`."""
    return Answers(np.eye(classes)[np.array(said)], np.array(labels))


def test_by_hand():
    answers = saying([[0, 1, 2, 2], [0, 1, 1, 0], [0, 1, 2, 2]], [0, 1, 2, 0])
    assert disagreement(answers).tolist() == [[0, 0.5, 0], [0.5, 0, 0.5], [0, 0.5, 0]]
    # wrong: 0001, 0010, 0001; two of them share nothing: (0 - 1/16) / (3/16) = -1/3
    assert error_correlation(answers) == pytest.approx(np.array([[1, -1 / 3, 1], [-1 / 3, 1, -1 / 3], [1, -1 / 3, 1]]))
    assert pair_mean(disagreement(answers)) == pytest.approx(1 / 3)


def test_against_numpy_and_scikit_learn():
    rng = np.random.default_rng(0)
    said, labels = rng.integers(0, 3, (4, 200)), rng.integers(0, 3, 200)
    answers = saying(said, labels)
    np.testing.assert_allclose(error_correlation(answers), np.corrcoef(said != labels), rtol=1e-12)
    for i in range(4):
        for j in range(4):
            assert disagreement(answers)[i, j] == pytest.approx(1 - accuracy_score(said[i], said[j]))


def test_a_member_without_errors_correlates_with_nobody():
    answers = saying([[0, 1], [0, 0], [1, 1]], [0, 1])
    found = error_correlation(answers)
    assert np.isnan(found[0]).all()
    assert found[1, 2] == pytest.approx(-1)
    assert pair_mean(found) == pytest.approx(-1)


def test_one_member_has_no_pairs():
    assert np.isnan(pair_mean(disagreement(saying([[0, 1]], [0, 1]))))
