import math

import pytest
import torch
from torch import nn

from ravine.errors import UsageError
from ravine.optimization import SGD, Stepper
from ravine.population import Population
from ravine.regularization import max_norm, shorten_units


def make(k):
    torch.manual_seed(k)
    return nn.Sequential(nn.Conv2d(2, 4, 3), nn.BatchNorm2d(4), nn.Flatten(), nn.Linear(16, 3))


def lengths(population):
    """Of each unit of each matrix and convolution, counted one by one."""
    out = []
    for member in population.members:
        for w in (member[0].weight, member[3].weight):
            out += [math.sqrt(sum(float(v) ** 2 for v in unit.flatten())) for unit in w.detach()]
    return out


def test_the_bound_holds_after_every_step():
    population, stepper = Population(make, 2), Stepper(SGD, lr=1.0)
    others = [slice(s.start, s.stop) for s in population.layout if len(s.shape) == 1]
    reached = 0
    for step in range(10):
        grads = torch.randn(population.weights.shape, generator=torch.Generator().manual_seed(step))
        stepper.step(population.weights, grads, 1.0)
        before = population.weights.clone()
        longest = max(lengths(population))
        max_norm(population.weights, population.layout, 1.5)
        assert max(lengths(population)) <= 1.5 * (1 + 1e-6)
        reached += longest > 1.5
        assert all(torch.equal(population.weights[:, s], before[:, s]) for s in others), "biases and norms are free"
    assert reached == 10, "the bound had work to do"


def test_short_units_stay_bit_for_bit_and_long_ones_keep_their_direction():
    w = torch.tensor([[[3.0, 4.0], [0.3, 0.4], [0.0, 0.0]]])
    shorten_units(w, 2.5)
    torch.testing.assert_close(w, torch.tensor([[[1.5, 2.0], [0.3, 0.4], [0.0, 0.0]]]), rtol=1e-7, atol=0)
    assert torch.equal(w[0, 1:], torch.tensor([[0.3, 0.4], [0.0, 0.0]]))


@pytest.mark.parametrize("limit", [0, -1, math.nan, "3", True])
def test_a_limit_that_cannot_be_is_refused_by_name(limit):
    with pytest.raises(UsageError, match="max_norm: limit cannot be"):
        max_norm(torch.ones(1, 4), (), limit)
