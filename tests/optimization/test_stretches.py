"""What is unfrozen late counts its own steps: it moves as in an optimizer that was not shown it before."""

import pytest
import torch

from ravine.optimization import RULES, Adam, Adamax, AdamW, Muon, NAdam, Stepper, Stretch
from ravine.optimization.parts import LONG

pytestmark = pytest.mark.usefixtures("double_precision")
EVERY_RULE = pytest.mark.parametrize("rule", RULES.values(), ids=RULES.keys())
EARLY, COLUMNS, LATE = 4, 10, 400


class Matrix:
    start, stop, shape = 0, EARLY, (2, 2)


class Vector:
    start, stop, shape = EARLY, COLUMNS, (6,)


class Last:
    start, stop, shape = EARLY, COLUMNS, (3, 2)


def stretches(step, late, columns=COLUMNS):
    """The first columns from the first step on, the others from step `late` on."""
    found = [Stretch(0, EARLY, done=step)]
    return found + ([Stretch(EARLY, columns, done=step - late)] if step >= late else [])


@pytest.mark.parametrize(
    ("rule", "settings", "twin", "theirs"),
    [
        (Adam, {}, torch.optim.Adam, {}),
        (AdamW, {"decay": 0.01}, torch.optim.AdamW, {"weight_decay": 0.01}),
        (Adamax, {}, torch.optim.Adamax, {}),
        (NAdam, {"psi": 0.01}, torch.optim.NAdam, {"momentum_decay": 0.01}),
    ],
)
def test_equals_torch_where_a_parameter_has_no_gradient_until_step_400(rule, settings, twin, theirs, gradients):
    weights = torch.randn(1, COLUMNS, generator=torch.Generator().manual_seed(0))
    early, late = (torch.nn.Parameter(part.clone()) for part in weights[0].split([EARLY, COLUMNS - EARLY]))
    stepper, reference = Stepper(rule, lr=0.01, **settings), twin([early, late], lr=0.01, **theirs)
    for step, g in enumerate(gradients(LATE + 60, (1, COLUMNS))):
        early.grad = g[0, :EARLY].clone()
        late.grad = g[0, EARLY:].clone() if step >= LATE else None
        reference.step()
        stepper.stretches = stretches(step, LATE)
        stepper.step(weights, g, 1.0)
        torch.testing.assert_close(weights[0], torch.cat([early, late]).detach(), rtol=1e-11, atol=1e-13)
    assert stepper.state["t"] == LATE + 60


@EVERY_RULE
@pytest.mark.parametrize("last", [Vector, Last])
def test_under_every_rule_what_begins_late_moves_as_in_a_stepper_of_its_own(rule, last, gradients):
    """Muon too, which takes vectors as Adam does, and matrices whole."""
    exact = {"precision": "weights"} if rule is Muon else {}
    settings = {"lr": 0.01, "decay": 0.1, **exact}
    moved = torch.ones(2, COLUMNS)
    alone, own = moved[:, EARLY:].clone(), type("Own", (), {"start": 0, "stop": 6, "shape": last.shape})
    stepper, single = Stepper(rule, layout=[Matrix, last], **settings), Stepper(rule, layout=[own], **settings)
    for step, g in enumerate(gradients(12, (2, COLUMNS))):
        stepper.stretches = stretches(step, 7)
        stepper.step(moved, g, 0.5)
        if step >= 7:
            single.step(alone, g[:, EARLY:], 0.5)
        else:
            assert (moved[:, EARLY:] == 1).all(), "frozen"
            assert not any(stepper.state[name][:, EARLY:].any() for name in rule.memory), "and nothing remembered"
    torch.testing.assert_close(moved[:, EARLY:], alone, rtol=1e-13, atol=0)


@EVERY_RULE
def test_one_stretch_of_all_is_no_stretches(rule, gradients):
    whole, cut = torch.ones(2, COLUMNS), torch.ones(2, COLUMNS)
    plain, stretched = (Stepper(rule, layout=[Matrix, Vector], lr=0.01, decay=0.1) for _ in range(2))
    for step, g in enumerate(gradients(5, (2, COLUMNS))):
        stretched.stretches = [Stretch(0, COLUMNS, 1.0, step)]
        plain.step(whole, g, 0.7)
        stretched.step(cut, g, 0.7)
    assert torch.equal(whole, cut)


@EVERY_RULE
def test_the_factor_multiplies_the_rate(rule, gradients):
    one, other = torch.ones(1, COLUMNS), torch.ones(1, COLUMNS)
    slow = Stepper(rule, layout=[Matrix, Vector], lr=0.01, decay=0.1, stretches=[Stretch(0, COLUMNS, 0.25)])
    plain = Stepper(rule, layout=[Matrix, Vector], lr=0.0025, decay=0.1)
    (g,) = gradients(1, (1, COLUMNS))
    slow.step(one, g, 1.0)
    plain.step(other, g, 1.0)
    assert torch.equal(one, other)


@EVERY_RULE
@pytest.mark.parametrize("settings", [{"lr": [0.001, 0.0037, 0.1]}, {"lr": 0.0037, "decay": [0.0, 0.1, 0.2]}])
@pytest.mark.parametrize("columns", [EARLY + 1, 37, LONG + EARLY, 200_001])
def test_a_member_of_a_sweep_moves_bit_by_bit_as_alone_at_a_share_of_its_rate(rule, settings, columns, gradients):
    """In float32, whatever the length of a stretch decides: by formula, in blocks, or by a kernel."""
    if rule.whole:
        pytest.skip("batched matrix products round by the batch")
    of_all = {n: torch.tensor(v)[:, None] if isinstance(v, list) else v for n, v in settings.items()}
    of_one = {n: v[1] if isinstance(v, list) else v for n, v in settings.items()}
    together, alone = torch.ones(3, columns, dtype=torch.float32), torch.ones(1, columns, dtype=torch.float32)
    population, single = Stepper(rule, **of_all), Stepper(rule, **of_one)
    for step, g in enumerate(gradients(3, (3, columns), dtype=torch.float32)):
        parts = [part._replace(factor=0.8**3) for part in stretches(step, 1, columns)]
        population.stretches = single.stretches = parts
        population.step(together, g, 0.7)
        single.step(alone, g[1:2], 0.7)
    assert torch.equal(together[1], alone[0])


def test_a_stretch_that_parts_a_parameter_is_not_skipped_by_a_rule_that_takes_whole_ones():
    stepper = Stepper(Muon, layout=[Matrix, Last], stretches=[Stretch(2, COLUMNS)])
    with pytest.raises(RuntimeError):
        stepper.step(torch.ones(1, COLUMNS), torch.ones(1, COLUMNS), 1.0)
