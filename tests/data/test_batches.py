import numpy as np
import pytest

from ravine.data import order, steps


def test_an_order_is_a_permutation_and_a_pure_function():
    n = 1000
    first = order(n, 0, 0, 0)
    assert first.dtype == np.int64
    assert np.array_equal(np.sort(first), np.arange(n))
    assert np.array_equal(first, order(n, 0, 0, 0))
    others = [order(n, *where) for where in ((1, 0, 0), (0, 1, 0), (0, 0, 1))]
    assert len({o.tobytes() for o in (first, *others)}) == 4
    assert [len(order(k, 0, 0, 0)) for k in (0, 1)] == [0, 1]


@pytest.mark.parametrize("batch", [1, 2, 3, 4, 7, 256])
def test_batches_cover_all_and_none_has_one_example(batch):
    for n in range(0, 40):
        spans = steps(n, batch)
        assert [i for start, stop in spans for i in range(start, stop)] == list(range(n))
        if batch > 1 and n > 1:
            assert all(2 <= stop - start <= batch + 1 for start, stop in spans)
            assert all(stop - start == batch for start, stop in spans[:-1])
    assert steps(5, 1) == [(0, 1), (1, 2), (2, 3), (3, 4), (4, 5)]
