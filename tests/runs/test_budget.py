"""Which time is chosen where nobody says, and what does not go with one."""

import time

import numpy as np
import pytest

from ravine import data
from ravine.errors import UsageError
from ravine.recipe import Recipe
from ravine.runs.budget import budget_of, process_start, refuse_impossible, without_clock
from ravine.runs.kfold import kfold
from ravine.runs.transfers import transfers


def of(n, side):
    x = np.random.default_rng(0).integers(0, 256, (n, 3, side, side), dtype=np.uint8)
    return data.with_validation(data.load((x, np.arange(n) % 2)), 0.2, 0.0, 0)


def test_auto_goes_by_the_data_unless_the_length_is_given():
    small, large = of(100, 8), of(1000, 32)
    auto = Recipe(budget="auto")
    assert 10 <= budget_of(auto, small) < budget_of(auto, large)
    for given in ({"epochs": 3}, {"snapshots": 2}, {"sweep": "lr=[0.1, 1]"}, {"plan": "0:10"}):
        assert budget_of(auto.changed(**given), small) is None
    assert budget_of(Recipe(), small) == budget_of(auto, small)
    assert budget_of(auto.changed(members=3), small) == 3 * budget_of(auto, small)
    assert budget_of(Recipe(budget="none"), small) is None
    assert budget_of(Recipe(budget="45s"), small) == 45


@pytest.mark.parametrize("other", [{"epochs": 3}, {"snapshots": 2}])
def test_a_budget_beside_another_length_is_refused(other):
    with pytest.raises(UsageError, match="together with --"):
        refuse_impossible(Recipe(budget="5m", **other))


def test_the_process_began_before_now():
    assert 0 < time.monotonic() - process_start() < 7200


def test_without_a_clock_epochs_or_tables_say_how_long():
    assert without_clock(Recipe(epochs=3)) == Recipe(epochs=3)
    assert without_clock(Recipe()).budget == "none"


@pytest.mark.parametrize("compare", [lambda **s: kfold("digits", **s), lambda **s: transfers("nowhere", "digits", **s)])
def test_trainings_that_are_compared_take_no_budget(compare, tmp_path):
    with pytest.raises(UsageError, match="a budget is for one training"):
        compare(budget="5m", out=tmp_path)
    assert not list(tmp_path.iterdir())
