import math

import pytest
import torch

from ravine.errors import UsageError
from ravine.optimization import (
    SCHEDULES,
    Plateau,
    constant,
    cosine,
    cosine_restarts,
    inverse_sqrt,
    join,
    linear,
    one_cycle,
    step,
    warmup,
)

FUNCTIONS = {name: make for name, make in SCHEDULES.items() if name != "plateau"}


def test_constant_is_one():
    assert {constant()(p / 7) for p in range(8)} == {1.0}


def test_one_cycle_starts_peaks_and_ends_where_it_says():
    f = one_cycle(warmup=0.25, start=0.1, end=0.01)
    assert f(0) == pytest.approx(0.1)
    assert f(0.25) == pytest.approx(1)
    assert f(1) == pytest.approx(0.01)
    assert f(0.125) == pytest.approx(0.55), "half way up a half cosine"
    up, down = [f(p / 1000) for p in range(251)], [f(p / 1000) for p in range(250, 1001)]
    assert up == sorted(up)
    assert down == sorted(down, reverse=True)


def test_no_warmup_starts_at_the_peak():
    assert one_cycle(warmup=0)(0) == 1
    for name in ("step", "linear", "cosine", "cosine_restarts"):
        assert FUNCTIONS[name]()(0) == 1


def test_steps_fall_where_they_say():
    f = step([0.5, 0.75], factor=0.1)
    assert [f(p) for p in (0, 0.49, 0.5, 0.74, 0.75, 1)] == pytest.approx([1, 1, 0.1, 0.1, 0.01, 0.01])
    assert step([0.5], warmup=0.2)(0.49) == 1
    assert step([0.5], warmup=0.2)(0.5) == 0.1


def test_lines_and_cosines():
    assert [linear(end=0.2)(p) for p in (0, 0.5, 1)] == pytest.approx([1, 0.6, 0.2])
    assert [cosine(end=0.2)(p) for p in (0, 0.5, 1)] == pytest.approx([1, 0.6, 0.2])
    assert cosine()(1 / 3) == pytest.approx(0.75)


def test_restarts_start_again_and_grow():
    f = cosine_restarts(cycles=2, growth=3)  # a quarter, then three quarters
    assert [f(p) for p in (0, 0.125, 0.25, 0.625, 1)] == pytest.approx([1, 0.5, 1, 0.5, 0])
    assert f(0.2499) < 1e-3
    assert cosine_restarts(cycles=1)(0.3) == cosine()(0.3)


def test_inverse_square_root():
    f = inverse_sqrt(warmup=0.04)
    assert f(0.04) == pytest.approx(1)
    assert f(0.16) == pytest.approx(0.5)
    assert f(1) == pytest.approx(0.2)


@pytest.mark.parametrize("make", [step, linear, cosine, cosine_restarts, inverse_sqrt])
def test_a_warmup_climbs_in_a_line_and_then_the_rest_follows(make):
    f = make(warmup=0.2)
    assert [f(p) for p in (0, 0.1, 0.2)] == pytest.approx([0.01, 0.505, 1])
    if make not in (inverse_sqrt, step):  # whose places are those of the whole training
        assert f(0.6) == pytest.approx(make()(0.5))
    assert warmup(0.2)(0.1) == pytest.approx(0.505)
    assert warmup(0.2)(0.9) == 1


def test_join_gives_each_its_own_progress():
    f = join((0.2, lambda p: p), (0.3, lambda p: 10 + p), (0.5, lambda p: 20 + p))
    assert [f(p) for p in (0, 0.1, 0.2, 0.35, 0.5, 0.75, 1)] == pytest.approx([0, 0.5, 10, 10.5, 20, 20.5, 21])
    for shares in ((0.5, 0.6), (-0.5, 1.5), ()):
        with pytest.raises(UsageError, match="add up to 1"):
            join(*((share, constant()) for share in shares))


@pytest.mark.parametrize("make", FUNCTIONS.values())
def test_a_schedule_stays_where_it_ended(make):
    assert make()(1.5) == make()(1.0)
    assert make()(-0.5) == make()(0.0)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_factors_stay_between_zero_and_one(name):
    assert all(0 <= FUNCTIONS[name]()(p / 100) <= 1 for p in range(101))


@pytest.mark.parametrize(
    ("make", "bad"),
    [
        (one_cycle, {"warmup": 1}),
        (one_cycle, {"start": -1}),
        (one_cycle, {"end": True}),
        (one_cycle, {"warmup": "slow"}),
        (warmup, {"share": 1.0}),
        (step, {"at": 0.5}),
        (step, {"at": []}),
        (step, {"at": [0.5, 2]}),
        (step, {"factor": 2}),
        (linear, {"end": 2}),
        (linear, {"warmup": math.nan}),
        (cosine, {"end": -0.1}),
        (cosine_restarts, {"cycles": 0}),
        (cosine_restarts, {"cycles": 2.5}),
        (cosine_restarts, {"growth": 0}),
        (inverse_sqrt, {"warmup": 0}),
        (Plateau, {"patience": 0}),
        (Plateau, {"factor": 1.0}),
        (Plateau, {"threshold": -1}),
        (Plateau, {"least": "low"}),
    ],
)
def test_bad_settings_are_refused_by_name(make, bad):
    with pytest.raises(UsageError, match=next(iter(bad))):
        make(**bad)


def test_plateau_is_torchs_reduce_on_plateau():
    generator = torch.Generator().manual_seed(0)
    losses = (
        (torch.linspace(2, 1, 60) + 0.2 * torch.rand(60, generator=generator)).tolist() + [math.nan] * 3 + [5.0] * 9
    )
    weight = torch.nn.Parameter(torch.zeros(1))
    optimizer = torch.optim.SGD([weight], lr=1.0)
    twin = torch.optim.lr_scheduler.ReduceLROnPlateau(optimizer, factor=0.3, patience=2, threshold=1e-3, min_lr=1e-3)
    plateau = Plateau(patience=3, factor=0.3, threshold=1e-3, least=1e-3)  # torch counts one epoch more
    for loss in losses:
        plateau.observe(loss)
        twin.step(loss)
        assert plateau(0.5) == pytest.approx(optimizer.param_groups[0]["lr"])
    assert plateau(0) == 1e-3
