"""CKA: the formula in numpy, what it does not depend on, and that chance gives 0."""

import math

import numpy as np
import pytest
import torch

from ravine.errors import UsageError
from ravine.transfer import cka


def rows(n, width, seed=0):
    return torch.randn(n, width, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def hsic_over_quadruples(k, latter):
    """The unbiased HSIC by its definition (Song et al. 2012), a mean over all ordered pairs, triples and quadruples."""
    n = len(k)
    every = range(n)
    pairs = [k[i, j] * latter[i, j] for i in every for j in every if i != j]
    triples = [k[i, j] * latter[i, q] for i in every for j in every for q in every if len({i, j, q}) == 3]
    quadruples = [
        k[i, j] * latter[q, r] for i in every for j in every for q in every for r in every if len({i, j, q, r}) == 4
    ]
    return np.mean(pairs) + np.mean(quadruples) - 2 * np.mean(triples)


@pytest.mark.parametrize("widths", [(2, 3), (9, 30)], ids=["F x F", "N x N"])
def test_it_is_the_mean_over_all_quadruples(widths):
    x, y = rows(7, widths[0]), rows(7, widths[1], 1)
    y[:, 0] += x[:, 0]
    k, latter = (x @ x.T).numpy(), (y @ y.T).numpy()
    expected = hsic_over_quadruples(k, latter) / math.sqrt(
        hsic_over_quadruples(k, k) * hsic_over_quadruples(latter, latter)
    )
    assert cka(x, y) == pytest.approx(expected, rel=1e-9)


def test_both_ways_give_the_same_number():
    """The same features with columns of 0 have another cheaper way."""
    x, y = rows(20, 5), rows(20, 6, 1) + 0.1 * rows(20, 6, 2)
    wide = torch.cat([y, torch.zeros(20, 500, dtype=y.dtype)], 1)
    padded = torch.cat([x, torch.zeros(20, 500, dtype=x.dtype)], 1)
    assert cka(x, y) == pytest.approx(cka(padded, wide), rel=1e-9)


@pytest.mark.parametrize("n", [20, 400])
def test_equal_rotated_scaled_and_moved_features_are_alike(n):
    x, y = rows(n, 30), rows(n, 12, 1) + rows(n, 30)[:, :12]
    rotation, _ = torch.linalg.qr(rows(30, 30, 2))
    assert cka(x, x) == pytest.approx(1, abs=1e-12)
    assert cka(x, x @ rotation * 1e-3 + 7) == pytest.approx(1, abs=1e-9)
    assert cka(x @ rotation * 1e5 - 3, y) == pytest.approx(cka(x, y), abs=1e-9)
    assert cka(x, y) == pytest.approx(cka(y, x), abs=1e-12)
    order = torch.randperm(n, generator=torch.Generator().manual_seed(0))
    assert cka(x[order], y[order]) == pytest.approx(cka(x, y), abs=1e-9)
    assert 0.05 < cka(x, y) < 0.95
    stretched = x * torch.logspace(0, 2, 30, dtype=x.dtype)
    assert cka(x, stretched) < 0.9, "of all linear maps only rotations and scale do not matter"


def test_a_place_far_away_costs_no_digits():
    x = rows(50, 5)
    assert cka(x, x + 1e6) == pytest.approx(1, abs=1e-6)


def biased(x, y):
    x, y = x - x.mean(0), y - y.mean(0)
    return float((x.T @ y).square().sum() / ((x.T @ x).norm() * (y.T @ y).norm()))


@pytest.mark.parametrize(("n", "width"), [(100, 512), (200, 16)])
def test_unrelated_features_have_0_on_average(n, width):
    found = [cka(rows(n, width, 2 * i), rows(n, width, 2 * i + 1)) for i in range(30)]
    error = np.std(found, ddof=1) / math.sqrt(len(found))
    assert abs(np.mean(found)) < 4 * error
    assert np.mean(found) < biased(rows(n, width), rows(n, width, 1)) / 5, "which the biased form does not have"
    if n == 100:
        assert biased(rows(n, width), rows(n, width, 1)) == pytest.approx(0.84, abs=0.01), "as the docstring says"


def test_many_images_make_both_forms_equal():
    x = rows(4000, 6)
    y = x[:, :4] + 0.5 * rows(4000, 4, 1)
    assert cka(x, y) == pytest.approx(biased(x, y), abs=2e-3)


def test_the_caller_keeps_the_features():
    x, y = rows(10, 30).float(), rows(10, 30, 1).float()
    before = x.clone(), y.clone()
    cka(x, y)
    assert torch.equal(x, before[0])
    assert torch.equal(y, before[1])


def test_features_that_do_not_vary_have_no_similarity():
    assert math.isnan(cka(torch.full((10, 3), 0.1), rows(10, 3)))
    rounding = torch.full((7, 3), 0.7, dtype=torch.float64)
    rounding[::2] += 1e-15
    assert math.isnan(cka(rounding, rows(7, 3)))
    assert math.isnan(cka(rows(10, 3), torch.zeros(10, 3)))


@pytest.mark.parametrize(
    ("x", "y"),
    [
        (rows(3, 2), rows(3, 2)),
        (rows(5, 2), rows(6, 2)),
        (rows(5, 2)[:, 0], rows(5, 2)),
        (rows(5, 2), rows(5, 2) / 0),
    ],
)
def test_what_cannot_be_compared_is_refused(x, y):
    with pytest.raises(UsageError, match="the same 4 or more images"):
        cka(x, y)
