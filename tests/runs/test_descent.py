"""What moves the weights, built from a recipe, and what an average of them means for a run."""

import numpy as np
import pytest
import torch
from torch import nn

import ravine
from ravine import data
from ravine.checkpoints import store, weights_file
from ravine.errors import UsageError
from ravine.population import Population
from ravine.recipe import Recipe
from ravine.runs import descent

SMALL = {"model": "convnet(width=4)", "epochs": 3, "batch": 32, "quiet": True, "device": "cpu", "augment": "none"}


@pytest.fixture(scope="module")
def arrays():
    digits = data.load("digits").splits["train"]
    return digits.take(np.arange(300)), digits.y[:300]


@pytest.fixture
def population():
    torch.manual_seed(0)
    return Population(lambda k: nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4), nn.Linear(4, 2)), 2)


def test_decay_spares_biases_and_norms(population):
    stepper = descent.stepper(Recipe(optimizer="adamw(decay=0.5)", lr=0.1), population)
    before = population.weights.clone()
    stepper.step(population.weights, torch.zeros_like(population.weights), 1.0)
    for slot in population.layout:
        factor = 0.95 if len(slot.shape) > 1 else 1.0
        kept = before[:, slot.start : slot.stop]
        torch.testing.assert_close(population.weights[:, slot.start : slot.stop], factor * kept)


@pytest.mark.parametrize(
    ("clip", "expected"),
    [(2.0, [1.2, 1.6]), ("norm(2.0)", [1.2, 1.6]), ("value(3.5)", [3.0, 3.5]), (float("inf"), [3.0, 4.0])],
)
def test_clips_by_name_or_number(population, clip, expected):
    grads = torch.zeros_like(population.weights)
    grads[1, :2] = torch.tensor([3.0, 4.0])
    norms = descent.clipping(Recipe(clip=clip), population)(grads)
    assert norms.tolist() == [0.0, 5.0]
    torch.testing.assert_close(grads[1, :2], torch.tensor(expected))


def test_adaptive_clipping_reads_the_weights_as_they_are_now(population):
    clip = descent.clipping(Recipe(clip="adaptive(0.1)"), population)
    with torch.no_grad():
        population.weights.fill_(2.0)
    grads = torch.ones_like(population.weights)
    clip(grads)
    torch.testing.assert_close(grads, torch.full_like(grads, 0.2))


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"clip": "valu(1)"}, "Did you mean 'value'"),
        ({"clip": "value(-1)"}, "limit cannot be -1"),
        ({"clip": "norm(max_norm='far')"}, "max_norm cannot be 'far'"),
        ({"clip": "adaptive(grads=1)"}, "no setting 'grads'"),
        ({"average": "ema(2)"}, "decay cannot be 2"),
        ({"average": "ema, swa"}, "one"),
        ({"average": "em"}, "Did you mean 'ema'"),
        ({"schedule": "cosin"}, "Did you mean 'cosine'"),
        ({"optimizer": "adam(bias_correction=3)"}, "bias_correction cannot be 3"),
    ],
)
def test_what_cannot_be_is_refused_by_name(population, settings, message):
    recipe = Recipe(**{"optimizer": "adam", "schedule": "constant", "lr": 0.1, **settings})

    def build():
        descent.stepper(recipe, population)
        descent.schedule(recipe)
        descent.clipping(recipe, population)
        descent.average(recipe, population.weights)

    with pytest.raises(UsageError, match=message):
        build()


@pytest.mark.parametrize(
    ("schedule", "said"),
    [
        ("constant", "rate 0.1 at the start, 0.1 at the end"),
        ("cosine(warmup=0.25)", "rate 0.001 at the start, 0.1 at 25%, 2.68e-05 at the end"),
        ("step([0.5], 0.1)", "rate 0.1 at the start, 0.01 at the end"),
        ("plateau", "rate 0.1, lower whenever validation stalls"),
        ("one_cycle(start=1, warmup=0)", "rate 0.1 at the start, 2.51e-05 at the end"),
    ],
)
def test_start_peak_and_end_are_said(schedule, said):
    assert descent.rates(Recipe(schedule=schedule, lr=0.1), 128) == said


@pytest.mark.parametrize("average", ["ema(0.9)", "swa(start=0.3)", "lookahead(k=5)"])
def test_the_average_is_what_is_scored_and_kept(arrays, tmp_path, average):
    run = ravine.train(arrays, out=tmp_path, average=average, schedule="constant", **SMALL)
    plain = ravine.train(arrays, out=tmp_path / "plain", schedule="constant", **SMALL)
    read = {name: weights_file.read(run.path / "weights" / f"{name}.safetensors") for name in ("best", "last", "raw")}
    without, _ = weights_file.read(plain.path / "weights" / "last.safetensors")
    assert [about["average"] for _, about in read.values()] == [average, average, "none"]
    (last, _), (raw, _) = read["last"], read["raw"]
    assert not torch.equal(last["head.weight"], raw["head.weight"])
    mean = "stage1.0.1.running_mean"
    assert not torch.equal(last[mean], raw[mean]), "batch norm's statistics are those of the average"
    if "lookahead" not in average:  # which changes the training itself
        assert all(torch.equal(raw[name], tensor) for name, tensor in without.items()), "training is left alone"
    assert run.summary["last"]["val"]["loss"] == pytest.approx(run.metrics[-1]["val/loss"]), "one and the same network"


def test_the_mean_of_swa_begins_where_it_says(arrays, tmp_path):
    run = ravine.train(arrays, out=tmp_path, average="swa(start=0.5)", **SMALL)
    state = store.load_newest(run.folder.checkpoints).state
    steps = 3 * 8  # 240 training images in batches of 32
    assert state["averagings"] == steps / 2


def test_a_stalled_rate_goes_on_where_it_was(arrays, tmp_path, monkeypatch):
    monkeypatch.setattr("ravine.runs.saving.COST_SHARE", float("inf"))
    settings = {**SMALL, "schedule": "plateau(patience=1, factor=0.5, threshold=0.9)", "epochs": 5}
    whole = ravine.train(arrays, out=tmp_path / "whole", **settings)

    def killed(row):
        if row["epoch"] == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        ravine.train(arrays, out=tmp_path / "part", observers=[killed], **settings)
    part = ravine.train(arrays, out=tmp_path / "part", **settings)
    assert [row["lr"] for row in whole.metrics][:2] != [row["lr"] for row in whole.metrics][2:4]
    assert part.metrics == whole.metrics


def test_a_stalled_rate_is_seen_in_the_rows(arrays, tmp_path):
    settings = {**SMALL, "epochs": 8, "lr": 0.01}
    run = ravine.train(arrays, out=tmp_path, schedule="plateau(patience=1, factor=0.5, threshold=0.5)", **settings)
    rates = [row["lr"] for row in run.metrics]
    assert rates[0] == 0.01
    assert rates[-1] < 0.01
    assert set(rates) <= {0.01 * 0.5**i for i in range(9)}


def test_sam_seeks_within_its_radius_for_each_member():
    weights, grads = torch.zeros(2, 4), torch.tensor([[3.0, 4, 0, 0], [0, 0, 0.1, 0]])
    with descent.ascent(Recipe(sam=0.1))(weights, grads):
        torch.testing.assert_close(weights, torch.tensor([[0.06, 0.08, 0, 0], [0, 0, 0.1, 0]]))
    assert descent.ascent(Recipe()) is None


@pytest.mark.parametrize(
    "wrong",
    [{"average": "em(0.9)"}, {"schedule": "cosine(end=2)"}, {"optimizer": "momentum(rho=2)"}, {"clip": "value(0)"}],
)
def test_what_cannot_be_is_refused_before_the_data_is_read(tmp_path, wrong):
    with pytest.raises(UsageError, match=f"--{next(iter(wrong))}"):
        ravine.train(tmp_path / "no-such-photos", **wrong)


def test_sam_costs_two_gradients_and_changes_the_result(arrays, tmp_path):
    plain = ravine.train(arrays, out=tmp_path / "a", **SMALL)
    sharp = ravine.train(arrays, out=tmp_path / "b", sam=0.1, **SMALL)
    zero = ravine.train(arrays, out=tmp_path / "c", sam=0.0, **SMALL)
    assert zero.metrics == plain.metrics
    assert sharp.metrics[0]["train/loss"] != plain.metrics[0]["train/loss"]
