"""L2-SP: against autograd, against a closed solution, and against L2."""

import math

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from ravine.errors import UsageError
from ravine.optimization import SGD, Stepper
from ravine.population import Population
from ravine.regularization import l2, l2_sp, penalize, weights_only

K, P = 3, 12
COLUMN = torch.tensor([[0.0], [0.3], [1.7]], dtype=torch.float64)


def normal(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


@pytest.mark.parametrize("start", [normal(P, seed=5), normal(K, P, seed=5)])
@pytest.mark.parametrize("strength", [0.3, COLUMN])
@pytest.mark.parametrize("mask", [None, (torch.arange(P) % 3 > 0).double()])
def test_value_and_gradient_equal_those_of_autograd(start, strength, mask):
    w, before = normal(K, P).requires_grad_(), normal(K, P, seed=1)
    values = (strength / 2 * (w - start) ** 2 * (1 if mask is None else mask)).sum(1)
    values.sum().backward()
    grads, weights = before.clone(), w.detach().clone()
    found = l2_sp(strength, start=start, mask=mask)(weights, grads)
    torch.testing.assert_close(found, values.detach(), rtol=1e-12, atol=1e-12)
    torch.testing.assert_close(grads, before + w.grad, rtol=1e-12, atol=1e-12)
    assert torch.equal(weights, w), "what is penalized stays as it is"


def test_at_the_start_it_is_nothing_and_from_0_it_is_l2():
    w = normal(K, P)
    grads = torch.zeros_like(w)
    assert l2_sp(0.3, start=w.clone())(w, grads).tolist() == [0.0] * K
    assert not grads.any()
    plain = torch.zeros_like(w)
    assert torch.equal(l2_sp(0.3, start=torch.zeros(P))(w, grads), l2(0.3)(w, plain))
    assert torch.equal(grads, plain)


def test_regression_toward_a_start_equals_the_closed_solution():
    """argmin |x w - y|^2 / 2 + s |w - w0|^2 / 2 = w0 + (x'x + s)^-1 x'(y - x w0)."""
    x, y, s, w0 = normal(30, 5), normal(30, seed=2), 4.0, normal(5, seed=3)
    closed = w0 + torch.linalg.solve(x.T @ x + s * torch.eye(5, dtype=x.dtype), x.T @ (y - x @ w0))
    w, penalty = torch.zeros(1, 5, dtype=x.dtype), l2_sp(s, start=w0)
    for _ in range(3000):
        grads = ((w @ x.T - y) @ x).clone()
        penalty(w, grads)
        w -= 0.01 * grads
    torch.testing.assert_close(w[0], closed, rtol=1e-10, atol=1e-12)


def test_without_data_weights_go_back_to_where_they_started():
    start, lr, s = normal(P, seed=5), 0.1, 0.5
    w = start + normal(K, P)
    distance, stepper, penalty = w - start, Stepper(SGD, lr=lr), l2_sp(s, start=start)
    for _ in range(10):
        grads = torch.zeros_like(w)
        penalty(w, grads)
        stepper.step(w, grads, 1.0)
    torch.testing.assert_close(w - start, distance * (1 - lr * s) ** 10, rtol=1e-12, atol=1e-12)


def test_a_member_of_many_is_pulled_as_one_alone():
    w, start = normal(K, P).float(), normal(K, P, seed=5).float()
    together = torch.zeros(K, P)
    values = l2_sp(COLUMN, start=start)(w, together)
    for k in range(K):
        alone = torch.zeros(1, P)
        value = l2_sp(float(COLUMN[k]), start=start[k : k + 1])(w[k : k + 1], alone)
        assert torch.equal(together[k], alone[0])
        torch.testing.assert_close(values[k], value[0])


def network():
    torch.manual_seed(0)
    return nn.Sequential(nn.Conv2d(1, 3, 3), nn.BatchNorm2d(3), nn.Flatten(), nn.Linear(12, 2)).double()


def start_of_all_but_the_head(model):
    return {name: p.detach() + 0.1 for name, p in model.named_parameters() if not name.startswith("3.")}


def test_in_a_loop_of_ones_own_it_equals_a_term_in_the_loss():
    x, y = normal(5, 1, 4, 4), torch.arange(5) % 2
    ours, theirs = network(), network()
    start = start_of_all_but_the_head(ours)
    F.cross_entropy(ours(x), y).backward()
    value = penalize(ours, l2(0.3), start)
    term = 0.15 * ((theirs[0].weight - start["0.weight"]) ** 2).sum() + 0.15 * (theirs[3].weight ** 2).sum()
    (F.cross_entropy(theirs(x), y) + term).backward()
    torch.testing.assert_close(value, term.detach())
    for mine, other in zip(ours.parameters(), theirs.parameters(), strict=True):
        torch.testing.assert_close(mine.grad, other.grad)


def test_on_the_matrix_it_is_the_same():
    model = network().float()
    start = start_of_all_but_the_head(model)
    expected = network().float()
    expected(normal(5, 1, 4, 4).float()).square().sum().backward()
    value = penalize(expected, l2(0.3), start)
    population = Population(lambda k: model, 1)
    model(normal(5, 1, 4, 4).float()).square().sum().backward()
    row = torch.cat([start.get(s.name, torch.zeros(s.shape)).flatten() for s in population.layout])
    penalty = l2_sp(0.3, start=row, mask=weights_only(population.layout))
    torch.testing.assert_close(penalty(population.weights, population.grads)[0], value)
    for slot, p in zip(population.layout, expected.parameters(), strict=True):
        torch.testing.assert_close(population.grads[0, slot.start : slot.stop].view(slot.shape), p.grad)


@pytest.mark.parametrize("bad", [-1, math.nan, math.inf, "strong", True, None, -COLUMN])
def test_a_strength_that_cannot_be_is_refused(bad):
    with pytest.raises(UsageError, match="strength cannot be"):
        l2_sp(bad, start=torch.zeros(P))


@pytest.mark.parametrize("bad", [None, 0.0, torch.tensor(0.0), torch.zeros(1, 1, 3)])
def test_a_start_that_cannot_be_is_refused(bad):
    with pytest.raises(UsageError, match="l2_sp: start cannot be"):
        l2_sp(0.1, start=bad)


@pytest.mark.parametrize("shape", [(P - 1,), (1,), (K - 1, P), (1, P)])
def test_a_start_of_other_weights_is_refused(shape):
    with pytest.raises(UsageError, match=r"start is \[.*\], the weights are \[3, 12\]"):
        l2_sp(0.1, start=torch.zeros(shape))(normal(K, P), normal(K, P))


def test_a_start_that_moves_along_is_refused():
    w = normal(K, P)
    with pytest.raises(UsageError, match="start is the weights themselves; expected a copy"):
        l2_sp(0.1, start=w)(w, torch.zeros_like(w))
    model = network()
    model(normal(5, 1, 4, 4)).square().sum().backward()
    with pytest.raises(UsageError, match="the start of 0.weight is the weight itself; expected a copy"):
        penalize(model, l2(0.1), model.state_dict())
    other = {name: value[:1].clone() for name, value in model.state_dict().items() if value.dim()}
    with pytest.raises(UsageError, match=r"0.weight starts as \[1, 1, 3, 3\], the weight is \[3, 1, 3, 3\]"):
        penalize(model, l2(0.1), other)
