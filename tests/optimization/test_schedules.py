import pytest

from ravine.errors import UsageError
from ravine.optimization import SCHEDULES, constant, one_cycle


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


@pytest.mark.parametrize("name", SCHEDULES)
def test_factors_stay_between_zero_and_one(name):
    assert all(0 <= SCHEDULES[name]()(p / 100) <= 1 for p in range(101))


@pytest.mark.parametrize("bad", [{"warmup": 1}, {"start": -1}, {"end": True}, {"warmup": "slow"}])
def test_bad_settings_are_refused_by_name(bad):
    with pytest.raises(UsageError, match=next(iter(bad))):
        one_cycle(**bad)
