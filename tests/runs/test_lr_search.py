"""The range test on a recipe: on training images only, leaving nothing behind, with a rate that trains."""

import dataclasses
import os

import numpy as np
import pytest
import torch

import ravine
from ravine import Recipe, data
from ravine.errors import DataError, NonFiniteLossError, UsageError
from ravine.optimization import Stepper
from ravine.runs.defaults import _RATES
from ravine.runs.trainer import Training

SMALL = {"model": "mlp(hidden=[64])", "quiet": True, "device": "cpu"}


@pytest.fixture(scope="module")
def arrays():
    digits = data.load("digits").splits["train"]
    return digits.take(np.arange(400)), digits.y[:400]


@pytest.mark.parametrize("rule", ["momentum", "adam"])
def test_the_suggested_rate_trains(rule, tmp_path):
    found = ravine.lr_find("digits", optimizer=rule, **SMALL)
    assert found.suggestion.found
    assert found.recipe == Recipe(model=SMALL["model"], optimizer=rule, lr=found.suggestion.lr)
    run = ravine.train("digits", recipe=found.recipe, epochs=4, out=tmp_path, device="cpu", quiet=True)
    assert run.recipe.lr == found.suggestion.lr
    assert run.summary["best"]["val"]["accuracy"] > 0.95


def test_nothing_is_left_behind_and_no_generator_moved(arrays, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    before = torch.get_rng_state(), np.random.get_state()[1].tolist()  # noqa: NPY002
    ravine.lr_find(arrays, steps=30, **SMALL)
    assert os.listdir(tmp_path) == []
    assert torch.equal(torch.get_rng_state(), before[0])
    assert np.random.get_state()[1].tolist() == before[1]  # noqa: NPY002


def test_equal_calls_give_equal_curves_and_seeds_differ(arrays):
    first = ravine.lr_find(arrays, steps=40, **SMALL)
    assert ravine.lr_find(arrays, steps=40, **SMALL).losses == first.losses
    assert ravine.lr_find(arrays, steps=40, seed=1, **SMALL).losses != first.losses


def test_epochs_schedule_members_and_averages_do_not_matter(arrays):
    first = ravine.lr_find(arrays, steps=40, **SMALL)
    changed = {"epochs": 99, "schedule": "constant", "members": 3, "average": "ema(0.9)", "patience": 1}
    other = ravine.lr_find(arrays, steps=40, **SMALL, **changed)
    assert other.losses == first.losses
    assert other.recipe == dataclasses.replace(first.recipe, **changed), "but they are kept for the training"


@pytest.mark.parametrize(
    "change", [{"batch": 64}, {"optimizer": "sgd"}, {"clip": 0.01}, {"sam": 0.5}, {"average": "lookahead"}]
)
def test_the_recipes_own_pieces_are_at_work(arrays, change):
    """More seriously with the rate at its highest."""
    plain = ravine.lr_find(arrays, steps=40, low=1e-3, **SMALL)
    assert ravine.lr_find(arrays, steps=40, low=1e-3, **SMALL, **change).losses != plain.losses


def test_the_loss_is_that_of_plain_training(arrays):
    """At one rate all the time the sweep is an ordinary training."""
    rate = 0.05
    test = ravine.lr_find(arrays, optimizer="sgd", batch=20, steps=20, low=rate, high=rate * (1 + 1e-12), **SMALL)
    recipe = Recipe(model=SMALL["model"], optimizer="sgd", lr=rate, schedule="constant", batch=20, epochs=2)
    dataset = data.with_validation(data.load(arrays), 0.2, 0.0, 0)
    training, sums = Training(recipe.changed(augment="none", precision="float32"), dataset, torch.device("cpu")), []
    for _ in training.epochs(lambda position: sums.append(float(position.sums[0, 0]) / 20)):
        pass
    first = training.feed.steps
    steps = np.diff([0.0, *sums[:first]]).tolist() + np.diff([0.0, *sums[first:]]).tolist()
    assert test.losses == pytest.approx(steps[1:21], rel=1e-6)


def test_the_rates_are_those_of_the_sweep_and_the_last_one_is_reached(arrays, monkeypatch):
    plain, rates = Stepper.step, []

    def step(self, weights, grads, factor):
        rates.append(float(self.group["lr"]) * factor)
        plain(self, weights, grads, factor)

    monkeypatch.setattr(Stepper, "step", step)
    found = ravine.lr_find(arrays, optimizer="sgd", low=1e-6, high=1e-2, steps=40, **SMALL)
    sweep = [1e-6 * 1e4 ** (i / 39) for i in range(40)]
    assert found.rates == pytest.approx(sweep)
    # the last step only shows what the one before did, and is not taken
    assert rates[:40] == pytest.approx(sweep)
    assert rates[40:] in ([], [pytest.approx(1e-2)])


def test_validation_and_test_images_are_not_looked_at(arrays, monkeypatch):
    def looked(*_):
        raise AssertionError("scored")

    monkeypatch.setattr("ravine.runs.scoring.score", looked)
    x, y = arrays
    curves = []
    for darkness in (1, 0):
        splits = {"x": x[:300], "y": y[:300], "x_val": darkness * x[300:], "y_val": y[300:]}
        curves.append(ravine.lr_find(splits, steps=40, **SMALL).losses)
    assert curves[0] == curves[1]


@pytest.mark.parametrize("optimizer", ["momentum(lr=0.3, rho=0.8)", "momentum(0.3, 0.8)"])
def test_a_rate_that_was_asked_for_is_the_default_and_is_replaced(arrays, optimizer):
    found = ravine.lr_find(arrays, optimizer=optimizer, steps=40, **SMALL)
    assert found.default == 0.3
    assert found.recipe.optimizer == "momentum(rho=0.8)"
    assert found.recipe.lr == found.suggestion.lr
    assert ravine.lr_find(arrays, optimizer="momentum", lr=0.7, steps=40, **SMALL).default == 0.7
    assert ravine.lr_find(arrays, optimizer="momentum", steps=40, **SMALL).default == _RATES["momentum"]


def test_without_a_valley_the_rate_is_the_default(arrays):
    x, y = arrays
    noise = np.random.default_rng(0).integers(0, 10, len(y))
    found = ravine.lr_find((x, noise), steps=100, batch=16, high=1e-3, optimizer="sgd", **SMALL)
    assert not found.suggestion.found
    assert found.recipe.lr == found.suggestion.lr == _RATES["sgd"]
    assert f"keeping the default {_RATES['sgd']:g}" in found.suggestion.reason


def test_a_loss_that_is_not_finite_ends_the_sweep(arrays, monkeypatch):
    plain = Training.epochs

    def epochs(self, on_step):
        def stopping(position):
            on_step(position)
            if position.step == 5:
                raise NonFiniteLossError("loss nan")

        return plain(self, stopping)

    monkeypatch.setattr(Training, "epochs", epochs)
    found = ravine.lr_find(arrays, steps=40, **SMALL)
    assert len(found.losses) == 4
    assert found.blown_up == pytest.approx(1e-6 * 1e7 ** (4 / 39))
    assert not found.suggestion.found


@pytest.mark.parametrize(
    ("settings", "error", "words"),
    [
        ({"steps": 5}, UsageError, "steps cannot be 5"),
        ({"low": 1.0, "high": 1e-3}, UsageError, "not below"),
        ({"optimizer": "adamm"}, UsageError, "Did you mean 'adam'"),
        ({"epoch": 3}, UsageError, "Did you mean 'epochs'"),
        ({"device": "gpu"}, UsageError, "unknown device"),
    ],
)
def test_mistakes_are_refused(arrays, settings, error, words):
    with pytest.raises(error, match=words):
        ravine.lr_find(arrays, **{**SMALL, **settings})


def test_data_that_cannot_be_trained_on_is_refused(arrays):
    x, y = arrays
    with pytest.raises(DataError):
        ravine.lr_find((x, np.zeros_like(y)), **SMALL)
