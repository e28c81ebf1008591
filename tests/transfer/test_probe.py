"""The linear probe: scikit-learn's minimum, and what theory says of it."""

import math

import numpy as np
import pytest
import torch
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from ravine import data
from ravine.errors import UsageError
from ravine.transfer import linear_probe


@pytest.fixture(scope="module")
def digits():
    """Pixels and labels of 500, 300 and 400 digits: to fit, to choose, to judge."""
    split = data.load("digits").splits["train"]
    order = np.random.default_rng(0).permutation(len(split))
    x = torch.from_numpy(split.take(order).reshape(len(split), -1)).float()
    y = torch.from_numpy(split.y[order])
    return [(x[a:b], y[a:b]) for a, b in ((0, 500), (500, 800), (800, 1200))]


def blobs(n=60, apart=0.0, classes=3, width=4, seed=0):
    """Features and labels of `classes` normal distributions whose means are `apart`."""
    generator = torch.Generator().manual_seed(seed)
    y = torch.arange(n) % classes
    return torch.randn(n, width, generator=generator) + apart * torch.eye(classes, width)[y], y


def test_it_is_the_minimum_that_scikit_learn_finds(digits):
    (x, y), val, (x_test, y_test) = digits
    for l2 in (0.1, 1e-3):
        probe = linear_probe(x, y, *val, 10, strengths=[l2], tolerance=1e-9)
        newton = LogisticRegression(C=1 / (l2 * len(x)), solver="newton-cholesky", tol=1e-10)
        reference = make_pipeline(StandardScaler(), newton)
        reference.fit(x.double().numpy(), y.numpy())
        ours, theirs = probe.logits(x_test).softmax(1), reference.predict_proba(x_test.double().numpy())
        np.testing.assert_allclose(ours, theirs, atol=1e-6)
        assert probe.chosen.gradient < 1e-8
    ours = float((linear_probe(x, y, *val, 10).predict(x_test) == y_test).double().mean())
    assert ours == pytest.approx(reference.score(x_test.double().numpy(), y_test.numpy()), abs=0.03)


def test_the_gradient_vanishes_where_it_says_so(digits):
    """At the minimum of mean CE + l2 / 2 |W|^2 on standardised features, by autograd."""
    (x, y), val, _ = digits
    probe = linear_probe(x, y, *val, 10, strengths=[0.01])
    x = x.double()
    mean, std = x.mean(0), x.std(0, correction=0)
    std[std == 0] = 1
    w = (probe.weight * std).requires_grad_()
    b = (probe.bias + probe.weight @ mean).requires_grad_()
    z = (x - mean) / std
    (torch.nn.functional.cross_entropy(z @ w.T + b, y) + 0.005 * w.square().sum()).backward()
    assert w.grad is not None
    assert b.grad is not None
    assert max(w.grad.abs().max(), b.grad.abs().max()) <= 1e-5
    assert probe.chosen.gradient <= 1e-5
    hasty = linear_probe(x, y, *val, 10, strengths=[0.01], most_steps=2)
    assert not hasty.chosen.converged
    assert hasty.chosen.gradient > 1e-5


def test_the_strength_is_chosen_on_the_choosing_rows(digits):
    (x, y), (x_val, y_val), _ = digits
    probe = linear_probe(x, y, x_val, y_val, 10)
    assert [tried.l2 for tried in probe.path] == sorted((tried.l2 for tried in probe.path), reverse=True)
    assert len(probe.path) == 11
    for tried in probe.path:
        alone = linear_probe(x, y, x_val, y_val, 10, strengths=[tried.l2])
        assert alone.chosen.accuracy == pytest.approx(tried.accuracy, abs=1 / 300 + 1e-9)
        assert alone.chosen.loss == pytest.approx(tried.loss, abs=0.02)
    assert probe.chosen == max(probe.path, key=lambda tried: (tried.accuracy, -tried.loss))
    assert probe.chosen.accuracy == pytest.approx(float((probe.predict(x_val) == y_val).double().mean()))
    loss = torch.nn.functional.cross_entropy(probe.logits(x_val), y_val)
    assert probe.chosen.loss == pytest.approx(float(loss), rel=1e-9)


def test_separable_classes_are_told_apart_and_noise_is_not():
    x, y = blobs(apart=20.0)
    probe = linear_probe(x, y, *blobs(apart=20.0, seed=1), 3)
    x_test, y_test = blobs(600, apart=20.0, seed=2)
    assert torch.equal(probe.predict(x_test), y_test)
    assert all(tried.converged for tried in probe.path)
    noise = linear_probe(*blobs(300), *blobs(300, seed=1), 3)
    x_test, y_test = blobs(3000, seed=2)
    guessed = float((noise.predict(x_test) == y_test).double().mean())
    assert abs(guessed - 1 / 3) < 4 * math.sqrt(2 / 9 / 3000) + 0.02


def test_rows_twice_or_in_another_order_change_nothing():
    (x, y), val, (x_test, _) = blobs(apart=1.5), blobs(apart=1.5, seed=1), blobs(200, apart=1.5, seed=2)
    settings = {"strengths": [0.03], "tolerance": 1e-9}
    logits = linear_probe(x, y, *val, 3, **settings).logits(x_test)
    order = torch.randperm(len(x), generator=torch.Generator().manual_seed(0))
    for rows in (order, torch.arange(len(x)).repeat(2)):
        again = linear_probe(x[rows], y[rows], *val, 3, **settings).logits(x_test)
        torch.testing.assert_close(again, logits, atol=1e-6, rtol=1e-6)


def test_scale_and_place_of_a_feature_and_dead_ones_change_nothing():
    (x, y), (x_val, y_val), (x_test, _) = blobs(apart=1.5), blobs(apart=1.5, seed=1), blobs(200, apart=1.5, seed=2)
    settings = {"strengths": [0.03], "tolerance": 1e-9}
    logits = linear_probe(x, y, x_val, y_val, 3, **settings).logits(x_test)

    def moved(rows):
        scale = torch.tensor([1e-3, 1.0, 1e3, 7.0], dtype=torch.float64)
        return torch.cat([rows.double() * scale + 5, torch.full((len(rows), 1), 0.1, dtype=torch.float64)], 1)

    again = linear_probe(moved(x), y, moved(x_val), y_val, 3, **settings).logits(moved(x_test))
    torch.testing.assert_close(again, logits, atol=1e-6, rtol=1e-6)


def test_equal_accuracies_are_decided_by_the_loss():
    probe = linear_probe(*blobs(24, apart=1.0), *blobs(12, apart=1.0, seed=3), 3)
    best = [tried for tried in probe.path if tried.accuracy == probe.chosen.accuracy]
    assert probe.chosen.loss == min(tried.loss for tried in best)


def test_a_class_that_is_missing_and_few_rows_with_many_features():
    generator = torch.Generator().manual_seed(0)
    x, y = torch.randn(6, 300, generator=generator), torch.tensor([0, 2, 0, 2, 0, 2])
    probe = linear_probe(x, y, x, y, 4)
    assert torch.equal(probe.predict(x), y)
    assert probe.weight.shape == (4, 300)
    assert probe.weight.isfinite().all()
    one = linear_probe(x, torch.zeros(6, dtype=torch.int64), x, y, 3)
    assert not one.predict(x).any()


X, Y = torch.zeros(4, 2), torch.tensor([0, 1, 0, 1])


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"x": X[:0], "y": Y[:0]}, "N above 0"),
        ({"x_val": X[:0], "y_val": Y[:0]}, "N above 0"),
        ({"x_val": torch.zeros(4, 3)}, "of one width"),
        ({"y": Y[:3]}, r"labels of shape \[3\]"),
        ({"x": torch.full((4, 2), float("nan"))}, "finite"),
        ({"y": Y.float()}, "int64"),
        ({"classes": 1}, "int64 from 0 to 0"),
        ({"strengths": []}, "above 0"),
        ({"strengths": [0.0, 1.0]}, "above 0"),
    ],
)
def test_what_cannot_be_is_refused(change, words):
    with pytest.raises(UsageError, match=words):
        linear_probe(**{"x": X, "y": Y, "x_val": X, "y_val": Y, "classes": 2} | change)
