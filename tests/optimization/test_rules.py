"""Contracts that every rule of the chapter keeps, and equality with torch.optim where torch has the rule."""

import math

import pytest
import torch

from ravine.errors import UsageError
from ravine.optimization import RULES, SGD, Adam, Momentum, Stepper

TWINS = [
    (SGD, {"lr": 0.1}, torch.optim.SGD, {"lr": 0.1}),
    (Momentum, {"lr": 0.1, "rho": 0.9}, torch.optim.SGD, {"lr": 0.1, "momentum": 0.9}),
    (
        Momentum,
        {"lr": 0.1, "rho": 0.8, "nesterov": True},
        torch.optim.SGD,
        {"lr": 0.1, "momentum": 0.8, "nesterov": True},
    ),
    (Adam, {"lr": 3e-3}, torch.optim.Adam, {"lr": 3e-3}),
    (
        Adam,
        {"lr": 0.01, "beta1": 0.8, "beta2": 0.99, "eps": 1e-4},
        torch.optim.Adam,
        {"lr": 0.01, "betas": (0.8, 0.99), "eps": 1e-4},
    ),
]


def gradients(n, shape, seed=0):
    generator = torch.Generator().manual_seed(seed)
    scale = torch.logspace(-3, 2, shape[-1], dtype=torch.float64)  # coordinates of very different steepness
    return [torch.randn(shape, generator=generator, dtype=torch.float64) * scale for _ in range(n)]


@pytest.mark.parametrize(("ours", "a", "theirs", "b"), TWINS)
def test_equals_torch_optim_over_200_steps_with_a_save_half_way(ours, a, theirs, b):
    w1 = torch.ones(7, 5, dtype=torch.float64, requires_grad=True)
    w2 = w1.detach().clone().requires_grad_()
    rule, twin = ours([w1], **a), theirs([w2], **b)
    for i, g in enumerate(gradients(200, (7, 5))):
        if i == 100:
            saved = rule.state_dict()
            rule = ours([w1], **a)
            rule.load_state_dict(saved)
        w1.grad, w2.grad = g.clone(), g.clone()
        rule.step()
        twin.step()
        assert torch.equal(w1.grad, g), "the gradient belongs to the caller"
        torch.testing.assert_close(w1, w2, rtol=1e-12, atol=1e-13)


@pytest.mark.parametrize("rule", RULES.values())
def test_members_with_their_own_settings_equal_separate_runs(rule):
    rates = torch.tensor([[0.001], [0.01], [0.1]], dtype=torch.float64)
    together, alone = torch.ones(3, 5, dtype=torch.float64), torch.ones(3, 5, dtype=torch.float64)
    population = Stepper(rule, lr=rates)
    singles = [Stepper(rule, lr=float(r)) for r in rates]
    for g in gradients(30, (3, 5)):
        population.step(together, g, 0.5)
        for k, single in enumerate(singles):
            single.step(alone[k : k + 1], g[k : k + 1], 0.5)
    torch.testing.assert_close(together, alone, rtol=1e-14, atol=0)


@pytest.mark.parametrize("rule", RULES.values())
def test_stepper_is_the_optimizer_on_a_matrix(rule):
    w1, w2 = torch.ones(2, 5, dtype=torch.float64), torch.ones(2, 5, dtype=torch.float64, requires_grad=True)
    stepper, optimizer = Stepper(rule, lr=0.01), rule([w2], lr=0.01)
    for g in gradients(10, (2, 5)):
        w2.grad = g.clone()
        stepper.step(w1, g, 1.0)
        optimizer.step()
    assert torch.equal(w1, w2.detach())


@pytest.mark.parametrize("rule", RULES.values())
def test_closures_schedulers_and_missing_gradients(rule):
    w, untouched = torch.ones(3, requires_grad=True), torch.ones(3, requires_grad=True)
    optimizer = rule([{"params": [w]}, {"params": [untouched], "lr": 0.5}], lr=0.1)
    scheduler = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda epoch: 0.5**epoch)

    def closure():
        optimizer.zero_grad()
        loss = (w**2).sum()
        loss.backward()
        return loss

    assert optimizer.step(closure).item() == 3
    scheduler.step()
    assert optimizer.param_groups[0]["lr"] == 0.05
    assert torch.equal(untouched, torch.ones(3))
    assert (w < 1).all(), "a descent subtracts"


@pytest.mark.parametrize("rule", RULES.values())
def test_bad_gradients_and_settings_are_refused_by_name(rule):
    w = torch.ones(3, requires_grad=True)
    optimizer = rule([w])
    w.grad = torch.ones(3).to_sparse()
    with pytest.raises(UsageError, match="sparse"):
        optimizer.step()
    for bad in (-0.1, math.nan, "fast", True):
        with pytest.raises(UsageError, match="lr cannot be"):
            rule([w], lr=bad)
        with pytest.raises(UsageError, match="lr cannot be"):
            Stepper(rule, lr=bad)


@pytest.mark.parametrize("scale", [1e-4, 1.0, 1e4])
def test_adams_first_step_has_length_lr_whatever_the_scale(scale):
    w = torch.zeros(1, 4, dtype=torch.float64)
    Stepper(Adam, lr=1e-3).step(w, scale * torch.tensor([[1.0, -2, 3, -4]], dtype=torch.float64), 1.0)
    torch.testing.assert_close(w.abs(), torch.full_like(w, 1e-3), rtol=1e-3, atol=0)
    assert (w.sign() == torch.tensor([[-1, 1, -1, 1]])).all()
