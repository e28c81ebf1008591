"""The path that a run keeps, and the landscape around its weights."""

import numpy as np
import pytest
import torch

import ravine
from ravine import data
from ravine.errors import DataError, UsageError
from ravine.runs import path
from ravine.runs.surroundings import surroundings

SMALL = {"model": "convnet(width=4)", "epochs": 4, "batch": 32, "quiet": True, "device": "cpu", "augment": "none"}


@pytest.fixture(scope="module")
def dataset():
    digits = data.load("digits").splits["train"]
    return data.load((digits.take(np.arange(300)), digits.y[:300]))


@pytest.fixture(scope="module")
def run(dataset, tmp_path_factory):
    digits = data.load("digits").splits["train"]
    return ravine.train((digits.take(np.arange(300)), digits.y[:300]), out=tmp_path_factory.mktemp("runs"), **SMALL)


@pytest.mark.parametrize(
    ("epochs", "weights", "kept"),
    [
        (4, 1000, [0, 1, 2, 3, 4]),
        (1, 1000, [0, 1]),
        (100, 4_000_000, [0, 33, 67, 100]),
        (100, 10**9, [0, 50, 100]),
        (64, 1000, list(range(0, 65, 2))),
    ],
)
def test_epochs_are_spread_evenly_within_the_budget(epochs, weights, kept):
    assert path.kept_epochs(epochs, weights) == kept


def test_the_path_is_that_of_the_training(run):
    epochs, weights = path.read(run.folder.weights_path)
    assert epochs == [0, 1, 2, 3, 4]
    last = run.last.population.weights[0]
    torch.testing.assert_close(weights[-1], last, rtol=1e-3, atol=1e-6)
    assert not torch.allclose(weights[0], weights[1])


def test_the_scene_holds_the_path_and_the_loss_at_its_end(run, dataset):
    scene = surroundings(run, dataset, points=5, images=100)
    racer = scene.racers[0]
    assert scene.time == "epoch"
    assert racer.paths.shape == (1, 1, 5, 2)
    torch.testing.assert_close(racer.paths[0, 0, -1], torch.zeros(2, dtype=torch.float64), rtol=0, atol=0.05)
    assert racer.losses[0, 0, -1] < racer.losses[0, 0, 0] * 0.8
    assert scene.grid.shape == (5, 5)
    assert scene.grid.isfinite().all()
    x0, x1, y0, y1 = scene.window
    inside = racer.paths[0, 0]
    assert ((inside[:, 0] > x0) & (inside[:, 0] < x1) & (inside[:, 1] > y0) & (inside[:, 1] < y1)).all()


def test_around_the_weights_the_loss_rises(run, dataset):
    scene = surroundings(run, dataset, directions="random", points=5, images=100)
    center, corner = scene.grid[2, 2], scene.grid[0, 0]
    assert center == pytest.approx(float(scene.racers[0].losses[0, 0, 0]))
    assert corner > center + 0.1


def test_the_runs_own_network_stays_as_it_is(run, dataset):
    before = run.last.population.weights.clone()
    surroundings(run, dataset, points=5, images=50)
    assert torch.equal(ravine.load(run.path, use="last").population.weights, before)


def test_a_short_path_and_bad_settings_are_one_clear_line(dataset, tmp_path):
    digits = data.load("digits").splits["train"]
    arrays = digits.take(np.arange(300)), digits.y[:300]
    short = ravine.train(arrays, out=tmp_path, **{**SMALL, "epochs": 1})
    with pytest.raises(DataError, match=r"2 of the weights .* --directions random"):
        surroundings(short, dataset, points=5, images=50)
    for settings in ({"points": 4}, {"images": 1}, {"points": 2.5}, {"directions": "paht"}):
        with pytest.raises(UsageError, match=next(iter(settings))):
            surroundings(short, dataset, **settings)
