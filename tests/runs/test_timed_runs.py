"""Trainings under a clock: what was decided is in the folder, and is done again without one, bit for bit."""

import numpy as np
import pytest

import ravine
from ravine.recipe import Recipe
from ravine.runs import Observer
from ravine.training.pace import Pace


def photos(n=120):
    generator = np.random.default_rng(0)
    y = np.arange(n) % 2
    x = generator.integers(0, 156, (n, 3, 24, 24)) + 100 * y[:, None, None, None]
    return x.astype(np.uint8), y


def weights(run):
    return [(run.path / "weights" / f"{which}.safetensors").read_bytes()[-4000:] for which in ("best", "last")]


@pytest.fixture(scope="module")
def timed(tmp_path_factory):
    out = tmp_path_factory.mktemp("timed")
    return ravine.train(photos(), out=out, name="timed", budget="4s", model="quicknet(width=4)", quiet=True)


def test_the_folder_holds_every_decision(timed):
    recipe = Recipe.read(timed.path / "recipe.toml")
    pace = Pace.parse(recipe.plan)
    rows = timed.folder.read_rows("metrics.jsonl")
    steps = -(-96 // int(recipe.batch))
    assert recipe.budget == "4s"
    assert recipe.precision in ("float32", "bfloat16")
    assert recipe.epochs == len(rows) == -(-pace.total // steps)
    assert timed.summary["budget"]["seconds"] == 4
    assert timed.summary["budget"]["spent"] > 2  # all of it was used, but for what the end takes


def test_its_recipe_does_the_same_training_again_without_a_clock(timed, tmp_path):
    recipe = Recipe.read(timed.path / "recipe.toml")
    again = ravine.train(photos(), out=tmp_path, name="timed", recipe=recipe, quiet=True)
    assert (again.path / "metrics.jsonl").read_bytes() == (timed.path / "metrics.jsonl").read_bytes()
    assert weights(again) == weights(timed)
    assert Recipe.read(again.path / "recipe.toml").plan == recipe.plan
    assert "budget" not in again.summary


class Stops(Observer):
    """Ends the process, as far as a test can, after an epoch."""

    def epoch(self, row, times, weights):
        if row["epoch"] == 3:
            raise RuntimeError("stopped")


def test_an_interrupted_one_goes_on_with_what_was_decided_and_what_is_left(tmp_path):
    settings = {"out": tmp_path, "name": "stopped", "budget": "4s", "model": "quicknet(width=4)", "quiet": True}
    with pytest.raises(RuntimeError, match="stopped"):
        ravine.train(photos(), observers=[Stops()], **settings)
    decided = Pace.parse(Recipe.read(tmp_path / "stopped" / "recipe.toml").plan).plans
    run = ravine.train(photos(), **settings)
    assert run.summary["finished"]
    assert Pace.parse(Recipe.read(run.path / "recipe.toml").plan).plans[: len(decided)] == decided
    assert run.summary["budget"]["spent"] > 2
