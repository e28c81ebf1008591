import math

import pytest
import torch

from ravine.errors import UsageError
from ravine.optimization import clip_adaptive, clip_by_norm, clip_by_value, clip_units


def test_each_member_is_clipped_by_its_own_norm():
    grads = torch.tensor([[3.0, 4.0], [0.3, 0.4], [0.0, 0.0]])
    norms = clip_by_norm(grads, 1.0)
    torch.testing.assert_close(norms, torch.tensor([5.0, 0.5, 0.0]))
    torch.testing.assert_close(grads, torch.tensor([[0.6, 0.8], [0.3, 0.4], [0.0, 0.0]]))


def test_equals_torchs_own_clipping():
    torch.manual_seed(0)
    grads = torch.randn(1, 100)
    weight = torch.nn.Parameter(torch.zeros(100))
    weight.grad = grads[0].clone()
    norm = torch.nn.utils.clip_grad_norm_([weight], 2.0)
    assert torch.isclose(clip_by_norm(grads, 2.0)[0], norm)
    torch.testing.assert_close(grads[0], weight.grad)


def test_infinite_bound_only_measures_and_nan_is_seen():
    grads = torch.tensor([[3.0, 4.0], [math.nan, 1.0]])
    before = grads.clone()
    norms = clip_by_norm(grads, math.inf)
    assert norms[0] == 5
    assert norms[1].isnan()
    torch.testing.assert_close(grads, before, equal_nan=True)


def test_by_value_is_torchs():
    torch.manual_seed(0)
    grads = torch.randn(2, 50)
    weight = torch.nn.Parameter(torch.zeros(2, 50))
    weight.grad = grads.clone()
    norms = clip_by_value(grads, 0.5)
    torch.testing.assert_close(norms, weight.grad.norm(dim=1))
    torch.nn.utils.clip_grad_value_([weight], 0.5)
    assert torch.equal(grads, weight.grad)


class Matrix:
    start, stop, shape = 0, 6, (2, 3)


class Bias:
    start, stop, shape = 6, 8, (2,)


def test_adaptive_clipping_bounds_each_unit_by_its_own_weights():
    """Rows of the matrix are units; the vector is one."""
    weights = torch.tensor([[3.0, 0, 4, 0, 0, 0, 6, 8]]).repeat(2, 1)
    grads = torch.tensor([[3.0, 0, 4, 0, 0.5, 0, 0.3, 0.4], [0.03, 0, 0.04, 0, 5e-5, 0, 30, 40]])
    norms = clip_adaptive(grads, weights, [Matrix, Bias], limit=0.1)
    torch.testing.assert_close(norms, torch.tensor([math.sqrt(25.5), math.sqrt(2500.0025)]), rtol=1e-4, atol=0)
    expected = [
        [0.3, 0, 0.4, 0, 1e-4, 0, 0.3, 0.4],  # |w| = 5 allows 0.5; |w| = 0 counts as 1e-3; |w| = 10 allows 1
        [0.03, 0, 0.04, 0, 5e-5, 0, 0.6, 0.8],
    ]
    torch.testing.assert_close(grads, torch.tensor(expected))


@pytest.mark.parametrize("limit", [-1.0, 0.0, math.nan, "far", True])
def test_a_limit_that_cannot_be_is_refused(limit):
    grads = torch.ones(1, 8)
    for clip in (clip_by_norm, clip_by_value, lambda g, limit: clip_adaptive(g, g.clone(), [Matrix, Bias], limit)):
        with pytest.raises(UsageError, match="cannot be"):
            clip(grads, limit)
    assert torch.equal(grads, torch.ones(1, 8))


def test_one_parameter_of_a_network_of_ones_own():
    layer = torch.nn.Linear(3, 2)
    layer.weight.grad = torch.full((2, 3), 100.0)
    clip_units(layer.weight.grad[None], layer.weight.detach()[None], limit=0.02)
    torch.testing.assert_close(layer.weight.grad.norm(dim=1), 0.02 * layer.weight.detach().norm(dim=1))
