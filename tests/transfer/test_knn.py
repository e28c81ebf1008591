"""k nearest neighbours: scikit-learn's answers, and what theory says of them."""

import numpy as np
import pytest
import torch
from sklearn.neighbors import KNeighborsClassifier

from ravine import data
from ravine.errors import UsageError
from ravine.transfer import knn, nearest_neighbours


@pytest.fixture(scope="module")
def digits():
    split = data.load("digits").splits["train"]
    order = np.random.default_rng(0).permutation(len(split))
    x = torch.from_numpy(split.take(order).reshape(len(split), -1)).float()
    y = torch.from_numpy(split.y[order])
    return [(x[a:b], y[a:b]) for a, b in ((0, 500), (500, 800), (800, 1200))]


@pytest.mark.parametrize("k", [1, 3, 5, 20])
def test_it_answers_as_scikit_learn_does(digits, k):
    (x, y), val, (x_test, _) = digits
    reference = KNeighborsClassifier(k, metric="cosine").fit(x.numpy(), y.numpy())
    shares = np.sort(reference.predict_proba(x_test.numpy()), 1)
    clear = shares[:, -1] > shares[:, -2]
    assert clear.mean() > 0.9
    ours = nearest_neighbours(x, y, *val, 10, ks=[k]).predict(x_test).numpy()
    np.testing.assert_array_equal(ours[clear], reference.predict(x_test.numpy())[clear])


def test_k_is_chosen_on_the_choosing_rows(digits):
    (x, y), (x_val, y_val), _ = digits
    found = nearest_neighbours(x, y, x_val, y_val, 10)
    assert [k for k, _ in found.path] == [1, 3, 5, 10, 20, 50]
    for k, accuracy in found.path:
        alone = nearest_neighbours(x, y, x_val, y_val, 10, ks=[k])
        assert accuracy == pytest.approx(float((alone.predict(x_val) == y_val).double().mean()))
    best = max(accuracy for _, accuracy in found.path)
    assert found.k == max(k for k, accuracy in found.path if accuracy == best)


def test_of_equally_good_ks_the_largest():
    x = torch.tensor([[1.0, 0.0], [1.0, 0.1], [1.0, 0.2], [0.0, 1.0], [0.1, 1.0], [0.2, 1.0]])
    y = torch.tensor([0, 0, 0, 1, 1, 1])
    found = nearest_neighbours(x, y, x, y, 2)
    assert found.path == ((1, 1.0), (3, 1.0), (5, 1.0))
    assert found.k == 5


def test_a_tie_goes_to_the_nearer_ones():
    x = torch.tensor([[1.0, 0.5], [1.0, 0.1]])
    y = torch.tensor([0, 1])
    assert nearest_neighbours(x, y, x, y, 2, ks=[2]).predict(torch.tensor([[3.0, 0.0], [1.0, 1.0]])).tolist() == [1, 0]


def test_votes_count_before_nearness():
    x = torch.tensor([[1.0, 0.0], [-0.5, 1.0], [-0.6, 1.0]])
    y = torch.tensor([0, 1, 1])
    assert nearest_neighbours(x, y, x, y, 2, ks=[3]).predict(torch.tensor([[1.0, 0.0], [1e3, 0.0]])).tolist() == [1, 1]


def test_only_the_angle_matters_and_each_row_is_its_own_nearest(digits):
    (x, y), val, (x_test, _) = digits
    found = nearest_neighbours(x, y, *val, 10, ks=[5])
    longer = nearest_neighbours(x * torch.arange(1, len(x) + 1)[:, None], y, *val, 10, ks=[5])
    for scale in (1e-3, 1e3):
        assert torch.equal(found.predict(x_test), longer.predict(x_test * scale))
    assert torch.equal(nearest_neighbours(x, y, *val, 10, ks=[1]).predict(x), y)


def test_rows_in_another_order_or_twice_change_nothing(digits):
    (x, y), val, (x_test, _) = digits
    said = nearest_neighbours(x, y, *val, 10, ks=[5]).predict(x_test)
    order = torch.randperm(len(x), generator=torch.Generator().manual_seed(0))
    assert torch.equal(nearest_neighbours(x[order], y[order], *val, 10, ks=[5]).predict(x_test), said)
    twice = torch.arange(len(x)).repeat(2)
    assert torch.equal(nearest_neighbours(x[twice], y[twice], *val, 10, ks=[10]).predict(x_test), said)


def test_memory_is_bounded_and_chunks_change_nothing(digits, monkeypatch):
    (x, y), val, (x_test, _) = digits
    said = nearest_neighbours(x, y, *val, 10).predict(x_test)
    seen = []
    topk = torch.Tensor.topk
    monkeypatch.setattr(torch.Tensor, "topk", lambda self, *a, **k: (seen.append(self.numel()), topk(self, *a, **k))[1])
    monkeypatch.setattr(knn, "_ELEMENTS", 7 * len(x) + 3)
    assert torch.equal(nearest_neighbours(x, y, *val, 10).predict(x_test), said)
    assert max(seen) == 7 * len(x)


X, Y = torch.zeros(4, 2), torch.tensor([0, 1, 0, 1])


def test_features_without_a_direction_still_get_an_answer():
    assert nearest_neighbours(X, Y, X, Y, 2).predict(X).shape == (4,)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"x": X[:0], "y": Y[:0]}, "N above 0"),
        ({"ks": [0, 1]}, "1 to 4"),
        ({"ks": [9]}, "1 to 4"),
        ({"ks": []}, "1 to 4"),
        ({"x_val": torch.full((4, 2), float("inf"))}, "finite"),
    ],
)
def test_what_cannot_be_is_refused(change, words):
    with pytest.raises(UsageError, match=words):
        nearest_neighbours(**{"x": X, "y": Y, "x_val": X, "y_val": Y, "classes": 2} | change)
