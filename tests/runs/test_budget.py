"""Times in words, and which one is chosen where nobody says."""

import time

import numpy as np
import pytest

from ravine import data
from ravine.errors import UsageError
from ravine.recipe import Recipe
from ravine.runs.budget import budget_of, in_words, process_start, refuse_impossible, seconds_in
from ravine.runs.kfold import kfold
from ravine.runs.transfers import transfers


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("30s", 30), ("5m", 300), ("2h", 7200), ("1h30m", 5400), ("90", 90), ("1.5m", 90), ("1d", 86400)],
)
def test_a_time_in_words(text, seconds):
    assert seconds_in(text) == seconds


@pytest.mark.parametrize("text", ["", "0", "0s", "5 minutes", "-5m", "m", "5m30h", "inf", "nan", "1e3"])
def test_what_is_no_time_is_refused(text):
    with pytest.raises(UsageError, match=r"--budget: cannot be .*5m"):
        seconds_in(text)


@pytest.mark.parametrize("seconds", [0.5, 7.5, 30, 59.9, 60, 90, 300, 5400, 86400])
def test_words_are_read_again(seconds):
    assert seconds_in(in_words(seconds)) == pytest.approx(seconds, rel=0.01)


def of(n, side):
    x = np.random.default_rng(0).integers(0, 256, (n, 3, side, side), dtype=np.uint8)
    return data.with_validation(data.load((x, np.arange(n) % 2)), 0.2, 0.0, 0)


def test_auto_goes_by_the_data_unless_the_length_is_given():
    small, large = of(100, 8), of(1000, 32)
    auto = Recipe(budget="auto")
    assert 10 <= budget_of(auto, small) < budget_of(auto, large)
    for given in ({"epochs": 3}, {"snapshots": 2}, {"plan": "0:10"}):
        assert budget_of(auto.changed(**given), small) is None
    assert budget_of(Recipe(), small) is None
    assert budget_of(Recipe(budget="45s"), small) == 45


@pytest.mark.parametrize("other", [{"epochs": 3}, {"snapshots": 2}])
def test_a_budget_beside_another_length_is_refused(other):
    with pytest.raises(UsageError, match="together with --"):
        refuse_impossible(Recipe(budget="5m", **other))


def test_the_process_began_before_now():
    assert 0 < time.monotonic() - process_start() < 7200


@pytest.mark.parametrize("compare", [lambda **s: kfold("digits", **s), lambda **s: transfers("nowhere", "digits", **s)])
def test_trainings_that_are_compared_take_no_budget(compare, tmp_path):
    with pytest.raises(UsageError, match="a budget is for one training"):
        compare(budget="5m", out=tmp_path)
    assert not list(tmp_path.iterdir())
