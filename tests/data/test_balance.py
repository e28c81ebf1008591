import numpy as np
import pytest

from ravine.data import balanced_order, class_weights


def test_a_balanced_order_draws_classes_equally_and_examples_of_a_class_too():
    y = np.repeat([3, 0, 5], [10, 900, 90])  # not sorted by class, and class 1, 2, 4 have no examples
    drawn = np.concatenate([balanced_order(y, 0, 0, epoch) for epoch in range(60)])
    n = len(drawn)
    assert n == 60 * len(y)
    by_class = np.bincount(y[drawn], minlength=6)
    assert by_class[[1, 2, 4]].sum() == 0
    assert abs(by_class[[0, 3, 5]] - n / 3).max() < 4 * np.sqrt(n * 2 / 9)
    by_example = np.bincount(drawn, minlength=len(y))
    for label, count in ((3, 10), (5, 90), (0, 900)):
        expected = n / 3 / count
        assert abs(by_example[y == label] - expected).max() < 5 * np.sqrt(expected)


def test_a_balanced_order_is_a_pure_function():
    y = np.arange(50) % 3
    assert np.array_equal(balanced_order(y, 0, 0, 1), balanced_order(y, 0, 0, 1))
    assert not np.array_equal(balanced_order(y, 0, 0, 1), balanced_order(y, 0, 0, 2))
    assert balanced_order(y, 0, 0, 1).dtype == np.int64


def test_class_weights():
    y = np.repeat([0, 1, 3], [1, 2, 9])
    weights = class_weights(y, 5)
    assert weights.tolist() == [12 / 3, 12 / 6, 0, 12 / 27, 0]
    assert weights[y].mean() == pytest.approx(1)
