import pytest
from scipy.stats import binomtest

from ravine.interval import wilson


@pytest.mark.parametrize(("k", "n"), [(0, 10), (10, 10), (1, 3), (812, 1000), (9123, 10000)])
def test_equals_scipy(k, n):
    expected = binomtest(k, n).proportion_ci(method="wilson")
    assert wilson(k, n) == pytest.approx((expected.low, expected.high), abs=1e-6)


def test_nothing_tried_nothing_known():
    assert wilson(0, 0) == (0, 1)
