"""Dead units are counted exactly, whatever calls the activation."""

import math

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from ravine.building import network
from ravine.traps import dead_units, gradient_flow


class Functional(nn.Module):
    def __init__(self, call):
        super().__init__()
        self.layer, self.head, self.call = nn.Linear(5, 8), nn.Linear(8, 3), call

    def forward(self, x):
        return self.head(self.call(self.layer(x)))


def kill(layer, units):
    with torch.no_grad():
        layer.weight[:units] = 0
        layer.bias[:units] = -1


@pytest.fixture
def x():
    return torch.randn(64, 5, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize(
    "call",
    [
        nn.ReLU(),
        nn.ReLU(inplace=True),
        torch.relu,
        F.relu,
        lambda t: t.relu_(),
        F.gelu,
        torch.sigmoid,
        nn.SiLU(),
        F.elu,
    ],
)
@pytest.mark.parametrize("dead", [0, 3, 8])
def test_exactly_those_that_are_constant(x, call, dead):
    torch.manual_seed(0)
    model = Functional(call)
    kill(model.layer, dead)
    assert dead_units(model, x) == dead / 8


@pytest.mark.parametrize("shape", [(16, 4), (16, 4, 6, 6), (16, 7, 4)])
def test_units_are_features_channels_or_the_last_axis_of_tokens(shape):
    torch.manual_seed(0)
    given = torch.randn(shape)
    units = 2 if len(shape) == 3 else 1
    given.select(units, 1).fill_(-1.0)
    assert dead_units(nn.ReLU(), given) == 1 / 4


def test_all_activations_count(x):
    model = nn.Sequential(nn.Linear(5, 8), nn.ReLU(), nn.Linear(8, 4), nn.Tanh(), nn.Linear(4, 2))
    kill(model[0], 8)  # then the second layer says the same of all images, too
    assert dead_units(model, x) == 1


def test_what_is_skipped_does_not_count(x):
    model = nn.Sequential(nn.Sequential(nn.Linear(5, 8), nn.ReLU()), nn.Linear(8, 4), nn.ReLU(), nn.Linear(4, 2))
    kill(model[0][0], 4)
    with torch.no_grad():
        model[1].bias.fill_(9.0)
    assert dead_units(model, x) == 4 / 12
    assert dead_units(model, x, skip=["0"]) == 0


def test_nothing_is_said_without_activations(x):
    assert math.isnan(dead_units(nn.Linear(5, 2), x))
    assert math.isnan(gradient_flow(nn.Linear(5, 2), x, torch.zeros(64, dtype=torch.int64)))


@pytest.mark.parametrize("name", ["mlp", "convnet(width=4)", "resnet(width=16)", "resnet20(width=4)"])
def test_ravines_networks_are_left_as_they_were(name):
    torch.manual_seed(0)
    model, x = network(name, (1, 8, 8), 10, "linear").eval(), torch.randn(32, 1, 8, 8)
    y = torch.arange(32) % 10
    with torch.no_grad():
        list(model.parameters())[-2].normal_()  # a head, or a branch, that starts at 0 lets no gradient through
        for module in model.modules():
            if isinstance(module, nn.BatchNorm2d):
                module.weight.fill_(1.0)
        before = {key: value.clone() for key, value in model.state_dict().items()}
    assert 0 <= dead_units(model, x) < 0.5  # no alarm, though nothing is trained yet
    assert 0.01 < gradient_flow(model, x, y) <= 1
    assert all(torch.equal(value, before[key]) for key, value in model.state_dict().items())
    assert all(p.grad is None for p in model.parameters())
    assert not any(module._forward_hooks or module._forward_pre_hooks for module in model.modules())


def test_the_flow_is_the_ratio_of_root_mean_squares(x):
    torch.manual_seed(0)
    layers = nn.Linear(5, 8), nn.Tanh(), nn.Linear(8, 6), nn.Tanh(), nn.Linear(6, 3)
    model, y = nn.Sequential(*layers).double(), torch.arange(64) % 3
    F.cross_entropy(model(x.double()), y).backward()
    first, second = (model[i].weight.grad.square().mean().sqrt().item() for i in (0, 2))
    expected = first / max(first, second)
    model.zero_grad()
    assert gradient_flow(model, x.double(), y) == pytest.approx(expected, rel=1e-6)  # the loss is taken in float32
    with torch.no_grad():
        model[4].weight *= 1e-3  # both layers get less, alike
        model[4].bias.copy_(torch.tensor([0.0, 1.0, 2.0]))
    assert gradient_flow(model, x.double(), y) > expected / 3
    model[0].requires_grad_(False)
    assert math.isnan(gradient_flow(model, x.double(), y))


def test_eight_sigmoids_let_nothing_through(x):
    """Each multiplies by 1/4 at most, and by weights below 1/2."""
    torch.manual_seed(0)
    model = nn.Sequential(*(layer for _ in range(8) for layer in (nn.Linear(5, 5), nn.Sigmoid())), nn.Linear(5, 3))
    assert gradient_flow(model, x, torch.arange(64) % 3) < 4.0**-8
