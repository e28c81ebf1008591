"""Photos are made as small as the time asks for, and a run goes on with the side that it began with."""

from itertools import pairwise

import numpy as np
import pytest
import torch
from PIL import Image

import ravine
from ravine.recipe import Recipe
from ravine.runs import Observer, resolution
from ravine.runs.costs import Costs
from ravine.runs.planning import by_size

CPU = torch.device("cpu")


@pytest.fixture
def machine(monkeypatch):
    """Seconds of a step by its pixels, at a speed that a test sets."""
    speed = {"pixels": 1e7, "asked": 0}

    def costs(recipe, shape, device):
        speed["asked"] += 1
        speed["threads"] = torch.get_num_threads()
        step = int(recipe.batch) * shape[1] * shape[2] / speed["pixels"]
        return Costs(step, step / int(recipe.batch) / 3)

    monkeypatch.setattr(resolution, "least_costs", costs)
    return speed


def side(images=5000, suits=128, said=None, **settings):
    return resolution.side_fitting(Recipe(**settings), CPU, (said if said is not None else []).append)(images, suits)


def test_more_time_allows_larger_images(machine):
    sides = [side(budget=budget) for budget in ("10s", "30s", "1m", "2m", "5m", "20m")]
    assert sides == sorted(sides)
    assert (sides[0], sides[-1]) == (32, 128)


@pytest.mark.parametrize("images", [200, 5_000, 100_000])
@pytest.mark.parametrize("budget", ["30s", "5m", "1h"])
def test_the_largest_side_is_taken_at_which_all_epochs_fit(images, budget, machine):
    seconds, (_, epochs, _) = ravine.duration.seconds_in(budget), by_size(images)
    fits = {one: epochs * images * one**2 / machine["pixels"] <= 0.8 * seconds for one in (128, *resolution.SIDES)}
    assert all(small or not large for large, small in pairwise(fits.values()))
    assert side(images, budget=budget) == max((one for one in fits if fits[one]), default=32)


def test_a_smaller_side_is_said_and_small_images_stay(machine):
    said = []
    assert side(budget="30s", said=said) < 128
    assert "instead of 128 px" in said[0]
    assert side(budget="1s", suits=32, said=said) == 32
    assert side(budget="1s", suits=48, said=said) == 48
    assert len(said) == 1


def test_it_is_timed_with_as_many_threads_as_will_train(machine):
    side(threads=3, budget="1m")
    assert machine["threads"] == 3


@pytest.mark.parametrize(
    "given", [{"size": 64}, {"budget": "none"}, {"epochs": 3}, {"pretrained": "somewhere"}, {"model": "convnet"}]
)
def test_nothing_is_chosen_where_it_is_given(given):
    assert resolution.side_fitting(Recipe(**given), CPU, print) is None


class Stops(Observer):
    def begin(self, run):
        raise RuntimeError("stopped")


def test_a_run_goes_on_at_the_side_that_it_began_with(machine, tmp_path):
    generator = np.random.default_rng(0)
    for i in range(24):
        path = tmp_path / "photos" / f"class{i % 2}" / f"{i}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(generator.integers(0, 256, (110, 120, 3), dtype=np.uint8)).save(path)
    settings = {"out": tmp_path / "runs", "cache": tmp_path / "cache", "budget": "3s"}
    machine["pixels"] = 1e6
    with pytest.raises(RuntimeError, match="stopped"):
        ravine.train(tmp_path / "photos", observers=[Stops()], quiet=True, **settings)
    begun = Recipe.read(tmp_path / "runs" / "photos" / "recipe.toml")
    assert begun.size < 104
    machine["pixels"] = 1e9  # it would choose another one now
    for _ in range(2):  # goes on with it, and returns it
        run = ravine.train(tmp_path / "photos", quiet=True, **settings)
        assert run.recipe.size == begun.size
        assert run.best.preprocessing.height == begun.size
    assert machine["asked"] == 1
