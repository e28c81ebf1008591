"""`--regularize` in whole runs: every piece trains, is paired with the run without it, and survives a kill."""

import os
import signal

import numpy as np
import pytest
import torch
from torch import nn

import ravine
from ravine import Classifier, data
from ravine.checkpoints import weights_file
from ravine.errors import Interrupted, UsageError
from ravine.population import Population
from ravine.recipe import Recipe
from ravine.runs import regularizing
from ravine.runs.regularizing import REGULARIZERS, pieces
from ravine.runs.trainer import Training
from ravine.training.console import epoch_line

SMALL = {"model": "convnet(width=4)", "epochs": 2, "batch": 64, "quiet": True, "device": "cpu", "augment": "none"}
ALL = (
    "dropout(0.3), gaussian_dropout(0.1), spatial_dropout(0.1), dropconnect(0.2), stochastic_depth(0.2), "
    "norm_momentum(0.2), l1(1e-5), l2(1e-3), elastic(1e-5, 1e-4), max_norm(2), weight_noise(0.01), label_smoothing(0.1)"
)
# leaves all as it is
NEUTRAL = {
    "dropout": "dropout(0)",
    "gaussian_dropout": "gaussian_dropout(0)",
    "spatial_dropout": "spatial_dropout(0)",
    "dropconnect": "dropconnect(0)",
    "stochastic_depth": "stochastic_depth(0)",
    "norm_momentum": "norm_momentum(0.1)",
    "l1": "l1(0)",
    "l2": "l2(0)",
    "elastic": "elastic(0, 0)",
    "max_norm": "max_norm(1e9)",
    "weight_noise": "weight_noise(0)",
    "label_smoothing": "label_smoothing(0)",
    "early_stopping": "early_stopping(100)",
}


@pytest.fixture(scope="module")
def arrays():
    digits = data.load("digits").splits["train"]
    return digits.take(np.arange(200)), digits.y[:200]


@pytest.fixture(scope="module")
def plain(arrays, tmp_path_factory):
    return ravine.train(arrays, out=tmp_path_factory.mktemp("plain"), **SMALL)


def last(run):
    return weights_file.read(run.path / "weights" / "last.safetensors")[0]


def rows(run):
    return [{k: v for k, v in row.items() if not k.endswith("train/penalty")} for row in run.metrics]


@pytest.mark.parametrize(
    "name", [name for name in REGULARIZERS if name != "l2_sp"]
)  # which needs pretrained weights: test_finetune.py
def test_each_acts_and_its_neutral_setting_is_the_run_without_bit_for_bit(arrays, plain, tmp_path, name):
    run = ravine.train(arrays, out=tmp_path / "acts", regularize=name, **SMALL)
    assert last(run).keys() == last(plain).keys()
    acts = rows(run) != rows(plain)
    assert acts == (name not in ("max_norm", "early_stopping", "norm_momentum")), "3, 5 and 0.1 change nothing here"
    neutral = ravine.train(arrays, out=tmp_path / "neutral", regularize=NEUTRAL[name], **SMALL)
    assert rows(neutral) == rows(plain)
    assert all(torch.equal(tensor, last(plain)[key]) for key, tensor in last(neutral).items())


def test_with_and_without_start_from_the_same_weights(arrays):
    dataset = data.with_validation(data.load(arrays), 0.2, 0.0, 0)
    settings = {"model": SMALL["model"], "lr": 0.1, "epochs": 1, "batch": 32, "optimizer": "sgd", "augment": "none"}
    settings |= {"schedule": "constant", "members": 2, "forward": "loop", "precision": "float32"}
    with_, without = (
        Training(Recipe(regularize=text, **settings), dataset, torch.device("cpu")) for text in (ALL, "none")
    )
    assert torch.equal(with_.population.weights, without.population.weights)
    assert with_.population.layout == without.population.layout
    assert with_.population.buffers.keys() == without.population.buffers.keys()


@pytest.mark.parametrize("members", [1, 2])
def test_interrupted_with_all_of_it_on_and_gone_on_is_byte_identical(arrays, tmp_path, members):
    settings = {**SMALL, "epochs": 3, "regularize": ALL, "members": members, "sam": 0.05, "average": "ema(0.9)"}
    settings |= {"forward": "loop"} if members > 1 else {}
    whole = ravine.train(arrays, out=tmp_path / "whole", **settings)

    def observer(row):
        if row["epoch"] == 1:
            os.kill(os.getpid(), signal.SIGTERM)

    with pytest.raises(Interrupted):
        ravine.train(arrays, out=tmp_path / "part", observers=[observer], **settings)
    resumed = ravine.resume(tmp_path / "part" / "arrays", source=arrays, quiet=True, device="cpu")
    for name in ("weights/best.safetensors", "weights/last.safetensors", "metrics.jsonl"):
        assert (resumed.path / name).read_bytes() == (whole.path / name).read_bytes(), name


def test_a_member_of_many_is_regularized_as_if_alone(arrays, tmp_path):
    alone = ravine.train(arrays, out=tmp_path / "alone", regularize=ALL, **SMALL)
    both = ravine.train(arrays, out=tmp_path / "both", regularize=ALL, members=2, forward="loop", **SMALL)
    together = last(both)
    assert all(torch.equal(together[f"member00/{name}"], tensor) for name, tensor in last(alone).items())
    assert not torch.equal(together["member00/head.weight"], together["member01/head.weight"])


def test_members_train_under_vmap(arrays, tmp_path):
    run = ravine.train(arrays, out=tmp_path, regularize=ALL, members=2, forward="vmap", **SMALL)
    assert run.metrics[-1]["member00/train/loss"] != run.metrics[-1]["member01/train/loss"]


def test_the_loss_is_shown_in_two_parts(arrays, plain, tmp_path):
    run = ravine.train(arrays, out=tmp_path, regularize="l2(0.02), l1(1e-4)", members=2, forward="loop", **SMALL)
    row = run.metrics[0]
    assert list(row)[2:5] == ["train/loss", "train/penalty", "train/accuracy"]
    assert row["train/penalty"] == pytest.approx((row["member00/train/penalty"] + row["member01/train/penalty"]) / 2)
    assert row["train/penalty"] > 0
    assert "train/penalty" in (run.path / "results.csv").read_text().splitlines()[0]
    assert "train/penalty" not in plain.metrics[0]
    line = epoch_line({**row, "train/loss": 1.5, "train/penalty": 0.25}, {"images_per_second": 1}, 2, False)
    assert "loss 1.5000 + 0.2500  train" in line
    text = epoch_line({k: v for k, v in row.items() if k != "train/penalty"}, {"images_per_second": 1}, 2, False)
    assert "+" not in text


def test_a_stronger_penalty_gives_shorter_weights(arrays, plain, tmp_path):
    run = ravine.train(arrays, out=tmp_path, regularize="l2(0.3)", **SMALL)
    weights, before = last(run), last(plain)
    assert weights["stage3.1.convolution.weight"].norm() < 0.9 * before["stage3.1.convolution.weight"].norm()


def test_the_bound_of_max_norm_holds(arrays, plain, tmp_path):
    run = ravine.train(arrays, out=tmp_path, regularize="max_norm(0.5)", **SMALL)
    longest = [
        max(float(w.flatten(1).norm(dim=1).max()) for w in last(r).values() if w.dim() > 1) for r in (run, plain)
    ]
    assert longest[0] <= 0.5 * (1 + 1e-6) < longest[1]


def test_l1_with_the_proximal_step_gives_exact_zeros(arrays, tmp_path):
    shares = {}
    settings = {**SMALL, "optimizer": "sgd", "lr": 0.05, "schedule": "constant", "epochs": 4}
    for proximal in ("false", "true"):
        text = f"l1(0.05, proximal={proximal})"
        run = ravine.train(arrays, out=tmp_path / proximal, regularize=text, **settings)
        w = last(run)["stage3.0.0.weight"]
        shares[proximal] = float((w == 0).double().mean())
        assert run.metrics[-1]["train/penalty"] > 0
    assert shares["false"] < 0.01
    assert shares["true"] > 0.1


@pytest.fixture
def population():
    torch.manual_seed(0)
    return Population(lambda k: nn.Sequential(nn.Linear(40, 50), nn.BatchNorm1d(50)), 3)


def test_the_threshold_of_the_proximal_step_is_rate_times_strength(population):
    population.weights.fill_(1.0)
    regularizing.projection(Recipe(regularize="l1(0.5, proximal=true)"), population)(population.weights, 0.2)
    torch.testing.assert_close(population.weights[:, :2000], torch.full((3, 2000), 0.9))
    assert (population.weights[:, 2000:] == 1).all(), "biases and norms are free"


def test_each_member_and_step_has_its_own_noise_on_the_weights(population):
    perturb = regularizing.perturbation(Recipe(regularize="weight_noise(0.5)", seed=4), population, range(3))
    before, seen = population.weights.clone(), []
    for epoch, step in ((0, 0), (0, 1), (1, 0), (0, 0)):
        with perturb(epoch, step):
            seen.append(population.weights - before)
        assert torch.equal(population.weights, before)
    assert torch.equal(seen[0], seen[3])
    assert not torch.stack(seen)[:, :, 2000:].any(), "biases and norms are free"
    different = torch.cat(seen[:3])[:, :2000]
    correlations = torch.corrcoef(different) - torch.eye(9)
    assert float(correlations.abs().max()) < 5 / 2000**0.5
    assert float(different.std()) == pytest.approx(0.5, rel=0.05)


def test_labels_are_smoothed_in_training_only(arrays, plain, tmp_path):
    settings = {**SMALL, "optimizer": "sgd", "lr": 1e-12, "schedule": "constant", "epochs": 1}
    runs = [ravine.train(arrays, out=tmp_path / t, regularize=t, **settings) for t in ("none", "label_smoothing(0.5)")]
    assert runs[1].metrics[0]["val/loss"] == pytest.approx(runs[0].metrics[0]["val/loss"], abs=1e-6)
    settings = {**SMALL, "epochs": 6}
    run = ravine.train(arrays, out=tmp_path / "long", regularize="label_smoothing(0.5)", **settings)
    floor = -(0.55 * np.log(0.55) + 9 * 0.05 * np.log(0.05))  # the entropy of its targets
    assert run.metrics[-1]["train/loss"] > floor


def test_early_stopping_is_patience(arrays, tmp_path):
    settings = {**SMALL, "epochs": 8, "lr": 1e-9}
    named = ravine.train(arrays, out=tmp_path / "a", regularize="early_stopping(2)", **settings)
    flag = ravine.train(arrays, out=tmp_path / "b", patience=2, **settings)
    both = ravine.train(arrays, out=tmp_path / "c", patience=2, regularize="early_stopping(2)", **settings)
    assert named.metrics == flag.metrics == both.metrics
    assert named.summary["stopped"] == "patience 2"
    assert named.recipe.patience == 2
    with pytest.raises(UsageError, match=r"early_stopping\(2\) and --patience 3; expected one patience"):
        ravine.train(arrays, out=tmp_path / "d", patience=3, regularize="early_stopping(2)", **settings)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("dropuot(0.5)", "Did you mean 'dropout'"),
        ("l3(0.5)", "unknown name 'l3'. Known: dropconnect, "),
        ("l2(strenght=1)", "Did you mean 'strength'"),
        ("l2(mask=1)", "no setting 'mask'"),
        ("l2(-1)", "strength cannot be -1"),
        ("elastic(l2=-1)", "l2 cannot be -1"),
        ("l1(0.1, proximal=3)", "proximal cannot be 3"),
        ("dropout(2)", "'dropout\\(p=2\\)' with --model .*: p cannot be 2"),
        ("dropout(0.1), dropout(0.2)", "dropout is given twice"),
        ("max_norm(0)", "limit cannot be 0"),
        ("weight_noise(-1)", "sigma cannot be -1"),
        ("weight_noise(generators=1)", "no setting 'generators'"),
        ("label_smoothing(2)", "eps cannot be 2"),
        ("early_stopping(2.5)", "--patience: cannot be 2.5"),
        ("dropout(", "cannot be read"),
    ],
)
def test_what_cannot_be_is_refused_before_anything_is_written(arrays, tmp_path, text, message):
    with pytest.raises(UsageError, match=message):
        ravine.train(arrays, out=tmp_path, regularize=text, **SMALL)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("text", ["stochastic_depth", "spatial_dropout(0.2)"])
def test_a_place_that_the_model_does_not_have_is_said(arrays, tmp_path, text):
    with pytest.raises(UsageError, match=r"with --model mlp\(\[8\]\): the network has no .*; expected convnet, resnet"):
        ravine.train(arrays, out=tmp_path, regularize=text, **{**SMALL, "model": "mlp([8])"})


def test_a_regularized_network_predicts_without_knowing(arrays, tmp_path):
    run = ravine.train(arrays, out=tmp_path, regularize=ALL, **SMALL)
    trained = ravine.load(run.path / "weights" / "best.safetensors")
    assert not [m for m in trained.population.members[0].modules() if "Drop" in type(m).__name__]
    first, second = trained.probabilities(arrays[0]), trained.probabilities(arrays[0])
    assert np.array_equal(first, second)
    best = max(run.metrics, key=lambda row: (row["val/accuracy"], -row["val/loss"]))
    assert run.summary["best"]["val"]["accuracy"] == best["val/accuracy"]


def test_the_callers_generator_stays_untouched_while_ways_are_timed(arrays, tmp_path):
    torch.manual_seed(3)
    expected = torch.rand(2)
    torch.manual_seed(3)
    settings = {**SMALL, "model": "mlp([8])", "epochs": 1}
    ravine.train(arrays, out=tmp_path, regularize="dropout, weight_noise", members=2, **settings)
    assert torch.equal(torch.rand(2), expected)


def test_settings_by_place_and_by_name_are_the_same():
    assert pieces(Recipe(regularize="l1(0.1, proximal=true), dropout")) == {
        "l1": {"strength": 0.1, "proximal": True},
        "dropout": {"p": 0.5},
    }
    assert pieces(Recipe()) == {}


def test_the_classifier_takes_it_too(arrays):
    x, y = arrays
    classifier = Classifier(model="mlp([32])", epochs=2, regularize="dropout(0.2), l2(1e-3)").fit(x, y)
    assert "train/penalty" in classifier.history_[0]
    assert 'regularize = "dropout(0.2), l2(1e-3)"' in classifier.trained_.about["recipe"]
    with pytest.raises(UsageError, match="regularize: cannot be None"):
        Classifier(regularize=None).fit(x, y)
