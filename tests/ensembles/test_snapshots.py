"""Snapshots: where cycles end, and copies that stay what they were."""

import pytest
import torch

from ravine.ensembles import Snapshots, cycle_ends
from ravine.optimization.schedules import constant, cosine, cosine_restarts, inverse_sqrt, linear, one_cycle, step


@pytest.mark.parametrize(
    ("schedule", "ends"),
    [
        (cosine_restarts(cycles=5), [20, 40, 60, 80, 100]),
        (cosine_restarts(cycles=4, end=0.3), [25, 50, 75, 100]),
        (cosine_restarts(cycles=2, growth=3), [25, 100]),
        (cosine_restarts(cycles=3, warmup=0.1), [40, 70, 100]),
        (cosine_restarts(cycles=3), [34, 67, 100]),  # at a third of 100 steps: the first step past it runs at the top
        (lambda p: abs(2 * p - 1) + 0.1, [51, 100]),  # falls, then rises
    ],
)
def test_a_cycle_ends_where_the_rate_is_about_to_rise(schedule, ends):
    assert cycle_ends(schedule, 100) == ends
    for end in ends[:-1]:
        assert schedule(end / 100) > schedule((end - 1) / 100)


@pytest.mark.parametrize("schedule", [constant(), cosine(), linear(), step(), one_cycle(), inverse_sqrt()])
def test_what_never_rises_again_has_one_cycle(schedule):
    assert cycle_ends(schedule, 50) == [50]


def test_a_flat_bottom_belongs_to_the_cycle():
    assert cycle_ends(lambda p: 1.0 if p < 0.2 or p >= 0.5 else 0.1, 10) == [5, 10]


def test_cycles_shorter_than_two_steps_are_not_cycles():
    assert len(cycle_ends(cosine_restarts(cycles=10), 10)) == 1


def test_copies_are_taken_once_each_and_are_copies():
    snapshots = Snapshots(cosine_restarts(cycles=3), 6)
    weights = {"w": torch.zeros(2)}
    for done in range(1, 7):
        weights["w"] += 1
        if snapshots.due(done):
            snapshots.keep(weights)
            assert not snapshots.due(done)
    assert [state["w"].tolist() for state in snapshots.states] == [[2, 2], [4, 4], [6, 6]]
    assert not snapshots.due(6)


def test_goes_on_from_saved_ones():
    snapshots = Snapshots(cosine_restarts(cycles=3), 6)
    snapshots.states = [{"w": torch.zeros(1)}]
    assert [done for done in range(1, 7) if snapshots.due(done)] == [4]
