"""The plan: a function of progress; and what it means for the weights."""

import math
from fractions import Fraction
from itertools import pairwise

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from ravine.errors import UsageError
from ravine.optimization import RULES, Stepper, Stretch
from ravine.population import Population
from ravine.transfer import blocks, spans, unfreezing

NAMES = ["stem", "one", "two", "three", "head"]


def progresses(steps):
    return [step / steps for step in range(steps)]


def test_the_head_first_then_all_at_rates_that_decay():
    plan = unfreezing(NAMES)
    assert plan.starts == (0.3, 0.3, 0.3, 0.3, 0.0)
    assert [plan.factor(i, 0.29) for i in range(5)] == [0, 0, 0, 0, 1]
    assert [plan.factor(i, 0.5) for i in range(5)] == [0.8**4, 0.8**3, 0.8**2, 0.8, 1]
    assert plan.phases() == ((0.0, 0.3), (0.3, 1.0))


def test_gradually_each_block_waits_as_long_as_the_one_after_it():
    plan = unfreezing(NAMES, gradual=True, unfreeze_at=0.2)
    assert plan.starts == pytest.approx((0.5, 0.4, 0.3, 0.2, 0.0))
    assert [start for start, _ in plan.phases()] == pytest.approx([0, 0.2, 0.3, 0.4, 0.5])
    assert plan.phases()[-1][1] == 1.0


def test_what_is_frozen_never_starts_and_takes_no_turn():
    plan = unfreezing(NAMES, freeze="stem, two", gradual=True, unfreeze_at=0.2)
    assert plan.starts == pytest.approx((math.inf, 0.4, math.inf, 0.2, 0.0))
    assert not plan.trained(0, 1.0)


def test_the_extremes():
    assert unfreezing(NAMES, unfreeze_at=0).starts == (0,) * 5
    assert unfreezing(NAMES, unfreeze_at=0).factor(3, 0.0) == 0.8, "no ramp where the schedule has its own"
    for alone in (unfreezing(NAMES, unfreeze_at=1), unfreezing(NAMES, freeze="all but head")):
        assert alone.starts == (math.inf,) * 4 + (0.0,)
        assert alone.phases() == ((0.0, 1.0),)
        assert alone.frozen_prefix(0.999) == 4
    assert unfreezing(NAMES, unfreeze_at=0, gradual=True).starts == pytest.approx((0.375, 0.25, 0.125, 0, 0))


def test_the_ramp_begins_at_a_hundredth_and_ends_after_its_length():
    plan = unfreezing(NAMES, unfreeze_at=0.5, layer_decay=1)
    assert plan.factor(0, 0.5) == 0.01
    assert plan.factor(0, 0.525) == pytest.approx(0.5)
    assert plan.factor(0, 0.55) == pytest.approx(1.0)
    assert plan.factor(0, 0.9) == 1.0


def test_blocks_that_begin_anew_are_trained_from_the_first_step_at_the_full_rate():
    plan = unfreezing(NAMES, fresh=["two", "three"], bn="frozen")
    assert plan.starts == (0.3, 0.3, 0.0, 0.0, 0.0)
    assert [plan.factor(i, 0.0) for i in range(5)] == [0, 0, 1, 1, 1]
    assert [plan.norm(i, 0.0) for i in range(5)] == ["kept", "kept", "trained", "trained", "trained"]
    assert not unfreezing(NAMES, fresh=["two"], freeze="two").trained(2, 1.0)


@pytest.mark.parametrize(
    ("bn", "before", "after", "weights"),
    [
        ("auto", "kept", "trained", False),
        ("frozen", "kept", "kept", False),
        ("stats", "follows", "trained", False),
        ("train", "trained", "trained", True),
    ],
)
def test_what_batch_norms_do_before_and_after_their_block_is_unfrozen(bn, before, after, weights):
    plan = unfreezing(NAMES, bn=bn)
    assert (plan.norm(1, 0.1), plan.norm(1, 0.3)) == (before, after)
    assert (plan.norm_weights_trained(1, 0.1), plan.norm_weights_trained(1, 0.3)) == (weights, True)
    assert plan.norm(4, 0.1) == "trained", "the head's are its own"
    assert plan.frozen_prefix(0.1) == (4 if before == "kept" else 0)
    assert plan.frozen_prefix(0.3) == 0


def test_norms_that_are_trained_from_the_start_have_no_ramp():
    assert unfreezing(NAMES, bn="train").norm_factor(3, 0.1) == 0.8
    assert unfreezing(NAMES, bn="train").norm_factor(3, 0.3) == 0.8
    assert unfreezing(NAMES, bn="stats").norm_factor(3, 0.1) == 0
    assert unfreezing(NAMES, bn="stats").norm_factor(3, 0.3) == pytest.approx(0.008)


FREEZE = st.sampled_from(["none", "first 2", "two", "all but head", "one, three"])
PLANS = st.builds(
    lambda **flags: unfreezing(NAMES, **flags),
    freeze=FREEZE,
    unfreeze_at=st.floats(0, 1),
    gradual=st.booleans(),
    layer_decay=st.floats(0.1, 1),
    bn=st.sampled_from(["auto", "frozen", "stats", "train"]),
    fresh=st.sampled_from([(), ("three",), ("two", "three")]),
)


@given(PLANS, st.integers(1, 60))
def test_what_holds_of_every_plan(plan, steps):
    for i in range(5):
        trained = [plan.trained(i, p) for p in progresses(steps)]
        assert trained == sorted(trained), "nothing freezes again"
        assert trained == [plan.factor(i, p) > 0 for p in progresses(steps)]
        assert all(plan.factor(i, p) <= plan.factor(4, p) == 1 for p in progresses(steps))
    for p in progresses(steps):
        fixed = [not plan.trained(i, p) and plan.norm(i, p) == "kept" and plan.bn != "train" for i in range(5)]
        assert plan.frozen_prefix(p) == fixed.index(False)


@given(PLANS)
def test_phases_cover_the_training_and_nothing_changes_inside_one(plan):
    phases = plan.phases()
    assert phases[0][0] == 0
    assert phases[-1][1] == 1
    assert all(a[1] == b[0] for a, b in zip(phases, phases[1:], strict=False))
    for start, stop in phases:
        inside = [Fraction(start) + (Fraction(stop) - Fraction(start)) * i / 7 for i in range(7)]
        assert len({tuple((plan.trained(i, p), plan.norm(i, p)) for i in range(5)) for p in inside}) == 1


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        ({"freeze": "all"}, "--freeze 'all': the head cannot be frozen, .*all but head"),
        ({"freeze": "stem, head"}, "--freeze 'stem, head': the head cannot"),
        ({"freeze": "tow"}, "--freeze 'tow': there is no block 'tow'; .* Did you mean 'two'?"),
        ({"unfreeze_at": 1.1}, "--unfreeze-at: cannot be 1.1; expected a number from 0 to 1"),
        ({"unfreeze_at": math.nan}, "--unfreeze-at: cannot be nan"),
        ({"unfreeze_at": "auto"}, "--unfreeze-at: cannot be 'auto'"),
        ({"layer_decay": 0}, "--layer-decay: cannot be 0; expected a number above 0"),
        ({"layer_decay": True}, "--layer-decay: cannot be True"),
        ({"bn": "freeze"}, "--bn: cannot be 'freeze'. Did you mean 'frozen'?"),
    ],
)
def test_what_cannot_be_is_refused_with_its_flag(flags, said):
    with pytest.raises(UsageError, match=said):
        unfreezing(NAMES, **flags)


def planned(model, progress, **flags):
    """The factor of each parameter of a network, and the progress at which it began; 0 and None where it is frozen."""
    row, population = blocks(model), Population(lambda k: model, 1)
    norms = {n for n, _ in model.named_parameters() if f"{n.rpartition('.')[0]}.running_mean" in model.state_dict()}
    plan = unfreezing([block.name for block in row], **flags)
    found = spans(plan, row, population.layout, progress, norms)
    for one, next_one in pairwise(found):
        assert one.start < one.stop <= next_one.start
        assert one[1:] != (next_one.start, *next_one[2:]), "what is alike is in one span"
    each = {}
    for slot in population.layout:
        inside = [span for span in found if span.start < slot.stop and slot.start < span.stop]
        assert len(inside) <= 1
        assert all(span.start <= slot.start and slot.stop <= span.stop for span in inside)
        each[slot.name] = (inside[0].factor, inside[0].since) if inside else (0, None)
    return plan, row, norms, each


@pytest.mark.parametrize("bn", ["auto", "train"])
def test_each_weight_has_the_factor_of_its_block(model, bn):
    for progress in (0.0, 0.32, 0.9):
        plan, row, norms, found = planned(model, progress, bn=bn)
        for i, block in enumerate(row):
            for name in block.parameters:
                norm = name in norms and bn == "train"
                expected = 0.8 ** (len(row) - 1 - i) if norm else plan.factor(i, progress)
                began = 0.0 if norm else plan.starts[i]
                assert found[name] == (expected, began if expected else None), name


@pytest.mark.parametrize("rule", RULES)
def test_under_every_rule_what_is_frozen_stays_bit_by_bit(rule):
    torch.manual_seed(0)
    population = Population(lambda k: torch.nn.Sequential(torch.nn.Linear(4, 6), torch.nn.Linear(6, 3)), 2)
    row = blocks(population.members[0])
    (head,) = spans(unfreezing(["stem", "head"], freeze="stem"), row, population.layout, 0.5, set())
    assert head == (30, 51, 1.0, 0.0)
    stepper = Stepper(RULES[rule], layout=population.layout, lr=0.1, decay=0.1)
    before, frozen = population.weights.clone(), torch.arange(51) < head.start
    for done in range(5):
        stepper.stretches = [Stretch(head.start, head.stop, head.factor, done)]
        stepper.step(population.weights, torch.randn(population.grads.shape), 0.7)
    assert torch.equal(population.weights[:, frozen], before[:, frozen])
    assert not (population.weights == before)[:, ~frozen].any()
