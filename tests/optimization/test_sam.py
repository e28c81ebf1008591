import contextlib

import pytest
import torch
from torch import nn

from ravine.errors import UsageError
from ravine.optimization import SAM, SGD, ascended


def test_the_gradient_is_that_of_the_worst_point_near_by():
    """f = sum(h w^2) / 2: the gradient at w + r g / |g| is h (w + r g / |g|)."""
    h, w = torch.tensor([1.0, 4.0]), nn.Parameter(torch.tensor([2.0, -1.0]))
    sam = SAM(SGD([w], lr=0.1), radius=0.5)

    def closure():
        sam.optimizer.zero_grad()
        loss = (h * w**2).sum() / 2
        loss.backward()
        return loss

    assert sam.step(closure).item() == 4.0
    g = torch.tensor([2.0, -4.0])
    expected = torch.tensor([2.0, -1.0]) - 0.1 * h * (torch.tensor([2.0, -1.0]) + 0.5 * g / g.norm())
    torch.testing.assert_close(w.detach(), expected)


def test_it_stands_in_for_the_optimizer_and_waits_for_gradients():
    w = nn.Parameter(torch.ones(3))
    sam = SAM(SGD([w], lr=0.1))
    assert sam.param_groups is sam.optimizer.param_groups
    sam.load_state_dict(sam.state_dict())
    assert sam.step(lambda: torch.tensor(2.0)) == 2, "no gradient, no step"
    assert torch.equal(w.detach(), torch.ones(3))
    with pytest.raises(UsageError, match="expected a torch"):
        SAM(None)


def test_weights_come_back_bit_by_bit_even_when_the_block_fails():
    weights = torch.randn(3, 7, generator=torch.Generator().manual_seed(0))
    grads = torch.randn(3, 7, generator=torch.Generator().manual_seed(1))
    before, norms = weights.clone(), grads.norm(dim=1, keepdim=True)
    with contextlib.suppress(KeyError), ascended([weights], [grads], norms, 0.1):
        torch.testing.assert_close((weights - before).norm(dim=1), torch.full((3,), 0.1))
        raise KeyError
    assert torch.equal(weights, before)


def test_no_slope_no_climb_and_a_bad_radius_is_refused():
    weights = torch.ones(1, 3)
    with ascended([weights], [torch.zeros(1, 3)], torch.zeros(1, 1), 0.1):
        assert torch.equal(weights, torch.ones(1, 3))
    for bad in (-1, "far", True, float("nan"), float("inf")):
        with pytest.raises(UsageError, match="radius cannot be"):
            SAM(SGD([nn.Parameter(weights)]), radius=bad)
