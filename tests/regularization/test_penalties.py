"""Penalties against autograd, against closed solutions, and against decay."""

import math

import pytest
import torch
from torch import nn

from ravine.errors import UsageError
from ravine.optimization import SGD, Adam, Momentum, Stepper
from ravine.population import Population
from ravine.regularization import PENALTIES, elastic, l1, l2, penalize, soft_threshold, weights_only

K, P = 3, 12
COLUMN = torch.tensor([[0.0], [0.3], [1.7]], dtype=torch.float64)
VALUES = {
    "l1": lambda w, s: s * w.abs(),
    "l2": lambda w, s: s / 2 * w**2,
}
STRENGTHS = {"l1": {"strength": 0.3}, "l2": {"strength": 0.3}, "elastic": {"l1": 0.3, "l2": 0.2}}


def normal(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def plain(name, w, settings):
    """The penalty of each weight, by its formula."""
    if name == "elastic":
        return VALUES["l1"](w, settings["l1"]) + VALUES["l2"](w, settings["l2"])
    return VALUES[name](w, settings["strength"])


def test_all_penalties_are_tried():
    assert STRENGTHS.keys() == PENALTIES.keys()


@pytest.mark.parametrize("name", PENALTIES)
@pytest.mark.parametrize("columns", [False, True])
@pytest.mark.parametrize("masked", [False, True])
def test_value_and_gradient_equal_those_of_autograd(name, columns, masked):
    settings = {k: COLUMN if columns else v for k, v in STRENGTHS[name].items()}
    mask = (torch.arange(P) % 3 > 0).double() if masked else None
    w, before = normal(K, P).requires_grad_(), normal(K, P, seed=1)
    values = (plain(name, w, settings) * (1 if mask is None else mask)).sum(1)
    values.sum().backward()
    grads = before.clone()
    found = PENALTIES[name](**settings, mask=mask)(w.detach(), grads)
    torch.testing.assert_close(found, values.detach(), rtol=1e-12, atol=1e-12)
    torch.testing.assert_close(grads, before + w.grad, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("name", PENALTIES)
@pytest.mark.parametrize("masked", [False, True])
def test_rows_that_exceed_a_block_are_whole(name, masked):
    many = (1 << 17) * 2 + 5
    w, mask = normal(2, many), (torch.arange(many) % 5 > 0).double() if masked else None
    settings = dict.fromkeys(STRENGTHS[name], COLUMN[1:])
    grads = torch.zeros_like(w)
    found = PENALTIES[name](**settings, mask=mask)(w, grads)
    each = plain(name, w.clone().requires_grad_(), settings) * (1 if mask is None else mask)
    torch.testing.assert_close(found, each.sum(1).detach())
    (expected,) = torch.autograd.grad(plain(name, v := w.clone().requires_grad_(), settings).sum(), v)
    torch.testing.assert_close(grads, expected * (1 if mask is None else mask))


@pytest.mark.parametrize("name", PENALTIES)
def test_a_members_own_strength_acts_as_in_a_run_alone(name):
    w, mask = normal(K, P).float(), (torch.arange(P) % 3 > 0).float()
    together = torch.zeros(K, P)
    values = PENALTIES[name](**dict.fromkeys(STRENGTHS[name], COLUMN), mask=mask)(w, together)
    for k in range(K):
        alone = torch.zeros(1, P)
        value = PENALTIES[name](**dict.fromkeys(STRENGTHS[name], float(COLUMN[k])), mask=mask)(w[k : k + 1], alone)
        assert torch.equal(together[k], alone[0])
        torch.testing.assert_close(values[k], value[0])


@pytest.mark.parametrize("name", PENALTIES)
@pytest.mark.parametrize("bad", [-1, math.nan, math.inf, "strong", True, None, torch.tensor([1.0]), -COLUMN])
def test_a_strength_that_cannot_be_is_refused_by_name(name, bad):
    for setting in STRENGTHS[name]:
        with pytest.raises(UsageError, match=f"{name}: {setting} cannot be"):
            PENALTIES[name](**{setting: bad})


def descended(penalty, x, y, lr, steps, proximal=0.0):
    """Minimizes |x w - y|^2 / 2 + penalty by plain steps; returns w `[P]`."""
    w = torch.zeros(1, x.shape[1], dtype=x.dtype)
    for _ in range(steps):
        grads = ((w @ x.T - y) @ x).clone()
        penalty(w, grads)
        w -= lr * grads
        if proximal:
            soft_threshold(w, lr * proximal)
    return w[0]


def test_ridge_regression_equals_the_closed_solution():
    x, y, s = normal(30, 5), normal(30, seed=2), 4.0
    closed = torch.linalg.solve(x.T @ x + s * torch.eye(5, dtype=x.dtype), x.T @ y)
    torch.testing.assert_close(descended(l2(s), x, y, 0.01, 3000), closed, rtol=1e-10, atol=1e-12)


def soft(w, t):
    return w.sign() * (w.abs() - t).clamp_min(0)


def orthogonal_problem():
    x = torch.linalg.qr(normal(40, 8))[0]
    least_squares = torch.tensor([3.0, -2.0, 1.01, -0.99, 0.5, -0.1, 0.02, 0.0], dtype=torch.float64)
    return x, x @ least_squares, least_squares


def test_the_lasso_of_an_orthogonal_design_is_the_soft_threshold():
    """With x'x = 1 the minimum is soft(x'y, strength); plain steps come to within lr * strength of its zeros."""
    x, y, least_squares = orthogonal_problem()
    closed, lr = soft(least_squares, 1.0), 0.01
    found = descended(l1(1.0), x, y, lr, 3000)
    assert (closed != 0).tolist() == [True] * 3 + [False] * 5
    torch.testing.assert_close(found[:3], closed[:3], rtol=0, atol=1e-9)
    assert (found[3:].abs() <= 2 * lr).all()
    assert (found[3:7] != 0).any(), "they jump around 0 and are not exact"


def test_the_proximal_step_finds_exact_zeros():
    x, y, least_squares = orthogonal_problem()
    found = descended(l1(1.0, proximal=True), x, y, 0.1, 500, proximal=1.0)
    closed = soft(least_squares, 1.0)
    assert torch.equal(found == 0, closed == 0)
    torch.testing.assert_close(found, closed, rtol=0, atol=1e-12)


def test_weights_shrink_at_the_rate_of_the_threshold():
    """Without data a weight loses lr * strength a step, whatever its size, and stays at 0 once there."""
    w = torch.tensor([[1.0, -0.05]], dtype=torch.float64)
    for step in range(1, 8):
        soft_threshold(w, 0.1 * 0.2)
        torch.testing.assert_close(w[0, 0], torch.tensor(1 - 0.02 * step, dtype=torch.float64))
    assert w[0, 1] == 0


def test_the_elastic_net_of_an_orthogonal_design():
    x, y, least_squares = orthogonal_problem()
    found = descended(elastic(l1=0.6, l2=0.5), x, y, 0.005, 5000)
    closed = soft(least_squares, 0.6) / 1.5
    kept = closed != 0
    torch.testing.assert_close(found[kept], closed[kept], rtol=0, atol=1e-9)
    assert (found[~kept].abs() <= 2 * 0.005).all()


def test_soft_threshold_by_hand():
    w = torch.tensor([[2.0, -2.0, 0.5, -0.5, 0.0]])
    soft_threshold(w, 0.5)
    assert w.tolist() == [[1.5, -1.5, 0.0, 0.0, 0.0]]
    assert not torch.signbit(w[0, 3]), "no -0"
    w = torch.tensor([[2.0, 2.0], [2.0, 2.0]])
    soft_threshold(w, torch.tensor([1.0, 0.0]))
    assert w.tolist() == [[1.0, 2.0], [1.0, 2.0]]


def trained(rule, penalty, steps=20, **settings):
    """A few steps on a quadratic loss with gradients of very different size."""
    w, stepper = normal(2, P), Stepper(rule, lr=0.05, **settings)
    scale = torch.logspace(-2, 1, P, dtype=torch.float64)
    for step in range(steps):
        grads = scale * (w - normal(2, P, seed=step))
        if penalty:
            penalty(w, grads)
        stepper.step(w, grads, 1.0)
    return w


def test_in_the_loss_equals_decoupled_decay_for_sgd_only():
    torch.testing.assert_close(trained(SGD, l2(0.3)), trained(SGD, None, decay=0.3), rtol=1e-12, atol=1e-12)
    for rule in (Adam, Momentum):
        assert float((trained(rule, l2(0.3)) - trained(rule, None, decay=0.3)).abs().max()) > 0.01, rule


@pytest.mark.parametrize("theirs", [torch.optim.SGD, torch.optim.Adam])
def test_the_strength_is_torchs_weight_decay(theirs):
    ends = []
    for strength, decay in ((0.3, 0.0), (0.0, 0.3)):
        w = normal(1, P).requires_grad_()
        optimizer, penalty = theirs([w], lr=0.05, weight_decay=decay), l2(strength)
        for step in range(10):
            w.grad = w.detach() - normal(1, P, seed=step)
            penalty(w.detach(), w.grad)
            optimizer.step()
        ends.append(w.detach())
    torch.testing.assert_close(*ends, rtol=1e-12, atol=1e-12)


def small_network():
    torch.manual_seed(0)
    return nn.Sequential(nn.Conv2d(1, 3, 3), nn.BatchNorm2d(3), nn.Flatten(), nn.Linear(12, 2)).double()


def test_biases_and_norms_are_not_penalized():
    population = Population(lambda k: small_network().float(), 2)
    mask = weights_only(population.layout)
    for slot in population.layout:
        expected = slot.name in ("0.weight", "3.weight")
        assert (mask[slot.start : slot.stop] == float(expected)).all(), slot.name


@pytest.mark.parametrize("name", PENALTIES)
def test_in_a_loop_of_ones_own_it_equals_a_term_in_the_loss(name):
    x, networks = normal(5, 1, 4, 4), [small_network(), small_network()]
    for network in networks:
        network[0].weight.requires_grad_(False)
    ours, theirs = networks
    ours(x).square().sum().backward()
    value = penalize(ours, PENALTIES[name](**STRENGTHS[name]))
    term = plain(name, theirs[3].weight, STRENGTHS[name]).sum()
    (theirs(x).square().sum() + term).backward()
    torch.testing.assert_close(value, term.detach())
    for mine, other in zip(ours.parameters(), theirs.parameters(), strict=True):
        assert (mine.grad is None) == (other.grad is None)
        if mine.grad is not None:
            torch.testing.assert_close(mine.grad, other.grad)


def test_proximal_is_true_or_false():
    with pytest.raises(UsageError, match="proximal cannot be 1"):
        l1(0.1, proximal=1)
