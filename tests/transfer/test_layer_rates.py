"""Rates that fall by layer, for torch's and ravine's optimizers."""

import math

import pytest
import torch
from torch import nn

from ravine.errors import UsageError
from ravine.optimization import RULES
from ravine.transfer import blocks, layer_rates


def test_every_parameter_once_at_the_rate_of_its_block(model):
    groups, row = layer_rates(model, 0.1, decay=0.5), blocks(model)
    rates = {id(p): group["lr"] for group in groups for p in group["params"]}
    assert len(rates) == sum(len(group["params"]) for group in groups) == len(list(model.parameters()))
    for i, block in enumerate(row):
        for name in block.parameters:
            assert rates[id(model.get_parameter(name))] == pytest.approx(0.1 * 0.5 ** (len(row) - 1 - i))


def test_a_step_of_sgd_is_the_gradient_at_these_rates(model, images):
    model(images).square().sum().backward()
    before = {name: p.detach().clone() for name, p in model.named_parameters()}
    torch.optim.SGD(layer_rates(model, 1e-4, decay=0.7), lr=1.0).step()
    row = blocks(model)
    for i, block in enumerate(row):
        for name in block.parameters:
            p = model.get_parameter(name)
            expected = before[name] - 1e-4 * 0.7 ** (len(row) - 1 - i) * p.grad
            torch.testing.assert_close(p.detach(), expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("make", [*RULES.values(), torch.optim.AdamW])
def test_optimizers_take_them(make):
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(3, 6), nn.Linear(6, 4))
    optimizer = make(layer_rates(model, 1e-2))
    model(torch.randn(5, 3)).square().sum().backward()
    before = [p.detach().clone() for p in model.parameters()]
    optimizer.step()
    assert [group["lr"] for group in optimizer.param_groups] == pytest.approx([8e-3, 1e-2])
    assert not any(torch.equal(p, b) for p, b in zip(model.parameters(), before, strict=True))


def test_a_schedule_multiplies_each_rate():
    model = nn.Sequential(nn.Linear(3, 6), nn.Linear(6, 4))
    optimizer = torch.optim.SGD(layer_rates(model, 1.0, decay=0.5), lr=1.0)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: 0.1**step)
    optimizer.step()
    schedule.step()
    assert [group["lr"] for group in optimizer.param_groups] == pytest.approx([0.05, 0.1])


def test_a_block_without_weights_has_no_group():
    assert len(layer_rates(nn.Sequential(nn.Flatten(), nn.Linear(3, 2)), 0.1)) == 1


@pytest.mark.parametrize("lr", [-1, math.nan, math.inf, "fast", None, True])
def test_a_rate_that_cannot_be_is_refused(lr):
    with pytest.raises(UsageError, match="layer_rates: lr cannot be"):
        layer_rates(nn.Sequential(nn.Linear(3, 6), nn.Linear(6, 4)), lr)


@pytest.mark.parametrize("decay", [0, 1.5, math.nan, "auto"])
def test_a_decay_that_cannot_be_is_refused(decay):
    with pytest.raises(UsageError, match="--layer-decay: cannot be"):
        layer_rates(nn.Sequential(nn.Linear(3, 6), nn.Linear(6, 4)), 0.1, decay)
