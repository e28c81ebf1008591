"""The path that a run keeps, and the landscape around its weights."""

import shutil
from types import SimpleNamespace

import numpy as np
import pytest
import torch

import ravine
from ravine import data
from ravine.errors import DataError, UsageError
from ravine.runs import Run, path
from ravine.runs.surroundings import surroundings

SMALL = {"model": "convnet(width=4)", "epochs": 4, "batch": 32, "quiet": True, "device": "cpu", "augment": "none"}


@pytest.fixture(scope="module")
def arrays():
    digits = data.load("digits").splits["train"]
    return digits.take(np.arange(300)), digits.y[:300]


@pytest.fixture(scope="module")
def dataset(arrays):
    return data.load(arrays)


@pytest.fixture(scope="module")
def run(arrays, tmp_path_factory):
    return ravine.train(arrays, out=tmp_path_factory.mktemp("runs"), **SMALL)


@pytest.fixture
def recorded(monkeypatch, tmp_path):
    """`recorded(1, 2, 3, weights=N)`: the epochs on disk after these were recorded."""

    def record(*epochs, weights):
        monkeypatch.setattr(path, "BUDGET", 2 * path.BUDGET // weights)  # for a population of two numbers
        for epoch in epochs:
            path.record(tmp_path / "path", SimpleNamespace(weights=torch.zeros(1, 2)), epoch)
        monkeypatch.undo()
        return [epoch for _, epoch in path._files(tmp_path / "path")]

    return record


@pytest.mark.parametrize(
    ("last", "weights", "kept"),
    [
        (0, 1000, [0]),
        (1, 1000, [0, 1]),
        (4, 1000, [0, 1, 2, 3, 4]),
        (32, 1000, list(range(33))),
        (33, 1000, list(range(0, 33, 2))),
        (64, 1000, list(range(0, 65, 2))),
        (65, 1000, list(range(0, 65, 2))),
        (66, 1000, list(range(0, 65, 4))),
        (3, 10**9, [0, 1, 2, 3]),
        (4, 10**9, [0, 2, 4]),
        (7, 10**9, [0, 2, 4, 6]),
        (10, 10**9, [0, 4, 8]),
        (100, 10**9, [0, 32, 64, 96]),
        (100, 2_000_000, [0, 16, 32, 48, 64, 80, 96]),
    ],
)
def test_the_path_thins_as_it_grows(recorded, last, weights, kept):
    assert recorded(*range(last + 1), weights=weights) == kept
    if last > 1:
        assert len(kept) >= 3


@pytest.mark.parametrize("again", [3, 9, 30, 33])
def test_what_is_kept_depends_on_the_last_epoch_alone(recorded, again):
    """Killed after epoch 40, taken up again before `again`."""
    whole = recorded(*range(41), weights=1000)
    assert recorded(*range(again, 41), weights=1000) == whole == list(range(0, 41, 2))
    assert max(recorded(again, weights=1000)) <= again


def test_the_path_is_that_of_the_training(run):
    epochs, weights = path.read(run.folder.weights_path, 4)
    assert epochs == [0, 1, 2, 3, 4]
    last = run.last.population.weights[0]
    torch.testing.assert_close(weights[-1], last, rtol=1e-3, atol=1e-6)
    assert not torch.allclose(weights[0], weights[1])
    assert path.read(run.folder.weights_path, 2)[0] == [0, 1, 2]


def test_the_scene_holds_the_path_and_the_loss_at_its_end(run, dataset):
    scene = surroundings(run, dataset, points=5, images=100)
    racer = scene.racers[0]
    assert scene.time == "epoch"
    assert scene.times == (0, 1, 2, 3, 4)
    assert scene.minima == (), "the end of a training is no minimum"
    assert "100 training images" in scene.note
    assert racer.paths.shape == (1, 1, 5, 2)
    torch.testing.assert_close(racer.paths[0, 0, -1], torch.zeros(2, dtype=torch.float64), rtol=0, atol=0.05)
    assert racer.losses[0, 0, -1] < racer.losses[0, 0, 0] * 0.8
    assert scene.grid.shape == (5, 5)
    assert scene.grid.isfinite().all()
    x0, x1, y0, y1 = scene.window
    inside = racer.paths[0, 0]
    assert ((inside[:, 0] > x0) & (inside[:, 0] < x1) & (inside[:, 1] > y0) & (inside[:, 1] < y1)).all()


def test_the_last_weights_end_the_path_where_their_epoch_is_not_kept(run, dataset, tmp_path):
    copied = Run(shutil.copytree(run.path, tmp_path / "copied"))
    (copied.folder.weights_path / "epoch-000004.safetensors").unlink()
    (copied.folder.weights_path / "epoch-000001.safetensors").unlink()
    scene = surroundings(copied, dataset, points=5, images=100)
    assert scene.times == (0, 2, 3, 4)
    whole = surroundings(run, dataset, points=5, images=100).racers[0].losses[0, 0]
    assert scene.racers[0].losses[0, 0].tolist() == pytest.approx(whole[[0, 2, 3, 4]].tolist(), rel=1e-2)


def test_epochs_after_the_last_save_are_no_part_of_the_path(run, dataset, tmp_path):
    copied = Run(shutil.copytree(run.path, tmp_path / "copied"))
    path.record(copied.folder.weights_path, run.last.population, 5)
    assert surroundings(copied, dataset, points=5, images=50).times == (0, 1, 2, 3, 4)


def test_the_average_is_marked_with_its_own_loss(dataset, arrays, tmp_path):
    run = ravine.train(arrays, out=tmp_path, **SMALL, average="ema(0.9)")
    scene = surroundings(run, dataset, points=5, images=100)
    trained, average = scene.racers
    assert trained.name == run.recipe.optimizer
    assert average.name == "average ema(0.9)"
    assert average.formula.endswith("a ← d a + (1 - d) w")
    assert (average.paths == average.paths[:, :, :1]).all(), "it stays where it is"
    assert average.paths.shape == trained.paths.shape
    raw, kept = (ravine.load(p, use="last").population.weights[0] for p in (run.folder.raw_weights, run.path))
    assert not torch.equal(raw, kept)
    last, its = float(trained.losses[0, 0, -1]), float(average.losses[0, 0, -1])
    assert its != pytest.approx(last, rel=1e-3)
    assert f"has a loss of {its:.3g}" in scene.sentences
    around = surroundings(run, dataset, directions="random", points=5, images=100)
    assert float(around.racers[0].losses[0, 0, 0]) == pytest.approx(its, rel=1e-5)
    assert "around the average of the weights" in around.sentences


def test_the_window_grows_once_where_the_lowest_loss_is_on_its_frame(run, dataset, monkeypatch):
    def sloping(_, window, points, *__):
        measured.append((window, points))
        grid = torch.full((points, points), 2.0)
        grid[2, -1] = 1.0
        return grid

    measured = []
    monkeypatch.setattr("ravine.runs.surroundings.losses", sloping)
    scene = surroundings(run, dataset, points=25, images=50)
    (x0, x1, *y), width = measured[0][0], measured[0][0][1] - measured[0][0][0]
    assert measured[1:] == [((x0, x1 + width / 2, *y), 25)]
    assert scene.window == measured[1][0]


def test_where_the_lowest_loss_is_inside_the_window_stays(run, dataset, monkeypatch):
    def bowl(_, window, points, *__):
        windows.add(window)
        grid = torch.full((points, points), 2.0)
        grid[2, 2] = 1.0
        return grid

    windows = set()
    monkeypatch.setattr("ravine.runs.surroundings.losses", bowl)
    surroundings(run, dataset, points=25, images=50)
    assert len(windows) == 1


def test_seeds_turn_the_random_directions(run, dataset):
    grids = [surroundings(run, dataset, directions="random", points=5, images=50, seed=s).grid for s in (0, 0, 1)]
    assert torch.equal(grids[0], grids[1])
    assert not torch.equal(grids[0], grids[2])


def test_other_data_is_refused(run, arrays):
    x, y = arrays
    with pytest.raises(DataError, match="not the data that the run trained on.*--data PLACE"):
        surroundings(run, data.load((255 - x, y)), points=5, images=50)


def test_around_the_weights_the_loss_rises(run, dataset):
    scene = surroundings(run, dataset, directions="random", points=5, images=100)
    center, corner = scene.grid[2, 2], scene.grid[0, 0]
    assert center == pytest.approx(float(scene.racers[0].losses[0, 0, 0]))
    assert corner > center + 0.1


def test_the_runs_own_network_stays_as_it_is(run, dataset):
    before = run.last.population.weights.clone()
    surroundings(run, dataset, points=5, images=50)
    assert torch.equal(ravine.load(run.path, use="last").population.weights, before)


def test_a_short_path_and_bad_settings_are_one_clear_line(dataset, arrays, tmp_path):
    short = ravine.train(arrays, out=tmp_path, **{**SMALL, "epochs": 1})
    with pytest.raises(DataError, match=r"2 copies of the weights .* second epoch. Use --directions random"):
        surroundings(short, dataset, points=5, images=50)
    shutil.rmtree(short.folder.weights_path)
    with pytest.raises(DataError, match=r"no copies of the weights .* deleted, .* Use --directions random"):
        surroundings(short, dataset, points=5, images=50)
    for settings in ({"points": 4}, {"images": 1}, {"points": 2.5}, {"directions": "paht"}):
        with pytest.raises(UsageError, match=next(iter(settings))):
            surroundings(short, dataset, **settings)
