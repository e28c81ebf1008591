"""K members in one call: each moves as it would alone, frozen weights stay, decay spares whom it should."""

import inspect

import pytest
import torch

from ravine.optimization import RULES, Muon, Stepper, Stretch
from ravine.optimization.parts import LONG

pytestmark = pytest.mark.usefixtures("double_precision")
EVERY_RULE = pytest.mark.parametrize("rule", RULES.values(), ids=RULES.keys())


def every_setting(rule, members):
    """A column for each setting that is a number."""
    generator = torch.Generator().manual_seed(1)
    columns = {}
    for name, parameter in inspect.signature(rule).parameters.items():
        if isinstance(parameter.default, float):
            spread = 0.5 + torch.rand(members, 1, generator=generator) / 2
            columns[name] = spread * (parameter.default or 0.1)
    return columns


class Layout:
    start, stop, shape = 0, 6, (2, 3)


class Vector:
    start, stop, shape = 6, 10, (4,)


@EVERY_RULE
def test_members_with_their_own_settings_equal_separate_runs(rule, gradients):
    columns = every_setting(rule, 3)
    assert {"lr", "decay"} <= columns.keys()
    exact = {"precision": "weights"} if rule is Muon else {}
    together, alone = torch.ones(3, 10), torch.ones(3, 10)
    population = Stepper(rule, layout=[Layout, Vector], **columns, **exact)
    singles = [
        Stepper(rule, layout=[Layout, Vector], **{n: float(c[k]) for n, c in columns.items()}, **exact)
        for k in range(3)
    ]
    for g in gradients(30, (3, 10)):
        population.step(together, g, 0.5)
        for k, single in enumerate(singles):
            single.step(alone[k : k + 1], g[k : k + 1], 0.5)
    assert not torch.allclose(together[0], together[1])
    torch.testing.assert_close(together, alone, rtol=1e-12, atol=0)


@EVERY_RULE
@pytest.mark.parametrize("columns", [37, LONG + 5, 200_001])
def test_a_member_with_its_own_rate_moves_bit_by_bit_as_alone(rule, columns, gradients):
    """In float32, whatever the length of the row decides: by formula, in blocks, or by a kernel."""
    if rule.whole:
        pytest.skip("batched matrix products round by the batch")
    together, alone = torch.ones(3, columns, dtype=torch.float32), torch.ones(1, columns, dtype=torch.float32)
    rates = torch.tensor([[0.001], [0.013], [0.1]])
    population, single = Stepper(rule, lr=rates), Stepper(rule, lr=0.013)
    for g in gradients(3, (3, columns), dtype=torch.float32):
        population.step(together, g, 0.7)
        single.step(alone, g[1:2], 0.7)
    assert torch.equal(together[1], alone[0])


@EVERY_RULE
def test_a_frozen_column_stays_bit_by_bit(rule, gradients):
    frozen = list(range(6)) if rule.whole else [1, 7]
    parts = [Stretch(6, 10)] if rule.whole else [Stretch(0, 1), Stretch(2, 7), Stretch(8, 10)]
    weights = torch.randn(2, 10, generator=torch.Generator().manual_seed(0))
    before = weights.clone()
    stepper = Stepper(rule, layout=[Layout, Vector], stretches=parts, lr=0.1, decay=0.1)
    for g in gradients(3, (2, 10)):
        stepper.step(weights, g, 1.0)
    assert torch.equal(weights[:, frozen], before[:, frozen])
    moved = [i for i in range(10) if i not in frozen]
    assert (weights[:, moved] != before[:, moved]).all()


@EVERY_RULE
def test_a_row_of_decays_spares_weights(rule):
    """Gradients of 0: only decay moves anything."""
    decay = torch.tensor([0.5] * 6 + [0.0] * 4)
    weights = torch.ones(2, 10)
    Stepper(rule, layout=[Layout, Vector], lr=0.1, decay=decay).step(weights, torch.zeros(2, 10), 1.0)
    torch.testing.assert_close(weights[:, :6], torch.full((2, 6), 0.95))
    assert (weights[:, 6:] == 1).all()


@EVERY_RULE
def test_stepper_is_the_optimizer_on_a_matrix(rule, gradients):
    w1, w2 = torch.ones(2, 5), torch.ones(2, 5, requires_grad=True)
    layout = [type("Whole", (), {"start": 0, "stop": 5, "shape": (5,)})]
    if rule is Muon:  # a matrix to an optimizer is one parameter, to a stepper K rows
        w1 = torch.ones(1, 10)
        layout = [type("Whole", (), {"start": 0, "stop": 10, "shape": (2, 5)})]
    stepper, optimizer = Stepper(rule, lr=0.01, layout=layout), rule([w2], lr=0.01)
    for g in gradients(10, (2, 5)):
        w2.grad = g.clone()
        stepper.step(w1, g.view(w1.shape), 1.0)
        optimizer.step()
    torch.testing.assert_close(w1.view(2, 5), w2.detach(), rtol=1e-14, atol=0)
