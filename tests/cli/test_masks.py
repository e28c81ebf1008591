"""`ravine masks` and `ravine predict --uncertainty`, as a person uses them."""

import csv
import io
import json
import math
import re

import numpy as np
import pytest
from calling import called
from PIL import Image

import ravine
from ravine import data
from ravine.ensembles import vote
from ravine.errors import UsageError
from ravine.runs.masks import masks, thinned
from ravine.runs.noisy import noisy_members
from ravine.runs.own_data import own_data
from ravine.runs.uncertain import Samples, predict_with_uncertainty

SETTINGS = {"model": "mlp([32])", "epochs": 4, "test": 0.3, "quiet": True, "device": "cpu"}


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """Runs with dropout, with members and dropout, with members only and with neither, and some images."""
    place = tmp_path_factory.mktemp("place")
    dropout = {"regularize": "dropout(0.5)"}
    kinds = {"one": dropout, "both": {"members": 3, **dropout}, "members": {"members": 3}, "plain": {}}
    for name, settings in kinds.items():
        ravine.train("digits", name=name, out=place, **SETTINGS, **settings)
    digits = data.load("digits").splits["train"].take(np.arange(4))[:, 0]
    noise = np.random.default_rng(0).integers(0, 256, (2, 8, 8), np.uint8)
    (place / "images").mkdir()
    for i, pixels in enumerate(np.concatenate([digits, noise])):
        Image.fromarray(pixels).save(place / "images" / f"{i}.png")
    return place


def test_masks_and_how_to_get_an_ensemble(place, tmp_path, capsys):
    code, out, _ = called(capsys, "masks", place / "one", "-n", "12", "-o", "masks.html")
    assert code == 0
    assert "12 masks on the test split" in out
    assert "one thinned network, one model" in out
    assert "ravine train DATA --members 5" in out
    for row in ("one mask", "average of 1 ", "average of 10", "average of 12", "weight scaling"):
        assert re.search(rf"^{row}.*%", out, re.M), row
    page = (tmp_path / "masks.html").read_text(encoding="utf-8")
    assert page.count("<circle") == 12
    code, again, _ = called(capsys, "masks", place / "one", "-n", "12", "-o", "masks.svg")
    assert again.splitlines()[:-1] == out.splitlines()[:-1], "the same masks"
    assert (tmp_path / "masks.svg").read_text(encoding="utf-8").startswith("<svg")


def test_a_true_ensemble_at_equal_cost(place, capsys):
    code, out, _ = called(capsys, "masks", place / "both", "-n", "6")
    assert code == 0
    assert re.search(r"^3 members +3 ", out, re.M)
    assert re.search(r"^3 members, 6 masks +6 ", out, re.M)
    assert out.count("At equal prediction cost") == 2
    assert "Training took" in out
    code, out, _ = called(capsys, "masks", place / "one", "-n", "6", "--ensemble", place / "members", "--json")
    report = json.loads(out)
    assert [one["name"] for one in report["ensembles"]] == ["3 members"], "those have no masks"
    assert report["ensembles"][0]["accuracy"] == ravine.Run(place / "members").summary["best"]["test"]["accuracy"]
    assert report["weight_scaling"]["accuracy"] == ravine.Run(place / "one").summary["best"]["test"]["accuracy"]
    assert set(report["training_seconds"]) == {"run", "ensemble"}
    assert len(report["each"]["accuracy"]) == 6


def test_the_numbers_are_those_of_the_pieces(place):
    network = ravine.load(place / "one")
    dataset = own_data(place / "one", network)
    report = masks(network, dataset, n=5)
    part = dataset.splits["test"]
    said = thinned(network, noisy_members(network), part, 5)
    np.testing.assert_allclose(report.each, (said.argmax(2) == part.y).mean(1))
    assert report.curve[-1] == (vote(said).argmax(1) == part.y).mean()
    assert report.n == len(part)
    assert len(set(report.each.tolist())) > 1


def test_weights_need_their_data(place, capsys):
    weights = place / "one" / "weights" / "last.safetensors"
    code, _, err = called(capsys, "masks", weights)
    assert code == 2
    assert "does not say where its data is" in err
    code, out, _ = called(capsys, "masks", weights, "--data", "digits", "-n", "2")
    assert code == 0
    assert "the test split" in out, "cut off as in the training"


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["plain"], 2, "--regularize"),
        (["one", "-n", "0"], 2, "1 to 1,000"),
        (["one", "-o", "masks.pdf"], 2, ".svg"),
        (["one", "--ensemble", "nowhere"], 3, "no such run"),
        (["one", "--ensemble", "plain"], 2, "one network; expected several members"),
        (["one/weights/best.safetensors"], 2, "Give --data PLACE"),
        (["nowhere"], 3, "no such run"),
        (["one", "-o", "nowhere/masks.svg", "-n", "1"], 4, "cannot be written"),
    ],
)
def test_mistakes_are_one_line(arguments, code, words, place, monkeypatch, capsys):
    monkeypatch.chdir(place)
    got, _, err = called(capsys, "masks", *arguments)
    assert got == code
    assert words in err
    assert len(err.splitlines()) == 1


def test_how_sure_an_answer_is(place, capsys):
    images = place / "images"
    code, out, _ = called(capsys, "predict", place / "one", images, "--uncertainty")
    assert code == 0
    assert "30 dropout masks" in out
    assert "2.30" in out, "the largest entropy of ten classes"
    _, out, _ = called(capsys, "predict", place / "both", "--uncertainty", "7", images, "--json")
    both = json.loads(out)
    assert both["samples"] == "3 members, 3 dropout masks each"
    for one in both["predictions"]:
        assert one["entropy"] == pytest.approx(one["expected_entropy"] + one["mutual_information"])
        assert 0 < one["mutual_information"] < math.log(9)
    _, out, _ = called(capsys, "predict", place / "members", images, "--uncertainty", "--csv", "--top", "2")
    rows = list(csv.DictReader(io.StringIO(out)))
    assert len(rows) == 12
    plain = ravine.load(place / "members").predict(str(images))
    for row, answer in zip(rows[::2], plain, strict=True):
        assert row["class"] == answer.classes[0], "members are the samples, so the mean is the vote"
        assert float(row["probability"]) == pytest.approx(answer.probabilities[0], abs=1e-5)


@pytest.mark.parametrize("name", ["one", "both", "members"])
def test_an_answer_does_not_depend_on_the_other_images(name, place):
    network, images = ravine.load(place / name), sorted(map(str, (place / "images").iterdir()))
    whole = predict_with_uncertainty(network, images, n=6)
    for i in (0, 5):
        (alone,) = predict_with_uncertainty(network, images[i], n=6)
        assert alone.classes == whole[i].classes
        assert alone.mutual_information == pytest.approx(whole[i].mutual_information, rel=1e-4, abs=1e-6)
        assert alone.probabilities == pytest.approx(whole[i].probabilities, rel=1e-5)
    assert predict_with_uncertainty(network, images, n=6) == whole


def test_unreadable_images_keep_their_place(place, tmp_path, capsys):
    bad = tmp_path / "bad.png"
    bad.write_text("no image")
    images = sorted((place / "images").iterdir())
    answers = predict_with_uncertainty(ravine.load(place / "one"), [images[0], bad, images[5]], n=4)
    assert [bool(one.error) for one in answers] == [False, True, False]
    assert math.isnan(answers[1].entropy)
    assert answers[2] == predict_with_uncertainty(ravine.load(place / "one"), images[5], n=4)[0]
    code, _, err = called(capsys, "predict", place / "one", bad, images[0], "--uncertainty", "2")
    assert code == 3
    assert "bad.png" in err


def test_a_joined_ensemble_keeps_its_weights(place):
    parts = [ravine.load(place / "one"), ravine.load(place / "members")]
    joined = ravine.Ensemble(parts, weights=[0.7, 0.1])
    x = data.load("digits").splits["train"].take(np.arange(20))
    shares, samples = joined.weights, Samples(joined, 8)
    assert samples.said == "4 members, 2 dropout masks for those with dropout"
    first = Samples(parts[0], 2).of([x]).mean
    expected = shares[0] * first + np.tensordot(shares[1:], parts[1].each(x), 1)
    np.testing.assert_allclose(samples.of([x, x]).mean, expected, atol=1e-6)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["plain", "images", "--uncertainty"], "nothing to disagree with"),
        (["one", "images", "--uncertainty", "--tta", "flip"], "--tta"),
        (["one", "images", "--uncertainty", "-3"], "1 to 1,000"),
        (["one", "images", "--uncertainty", "5000"], "1 to 1,000"),
        (["one", "--uncertainty"], "no images"),
    ],
)
def test_uncertainty_that_cannot_be(arguments, words, place, monkeypatch, capsys):
    monkeypatch.chdir(place)
    code, out, err = called(capsys, "predict", *arguments)
    assert (code, out) == (2, "")
    assert words in err
    assert len(err.splitlines()) == 1


def test_without_anything_to_disagree_python_says_so_too(place):
    with pytest.raises(UsageError, match="--members 5"):
        predict_with_uncertainty(ravine.load(place / "plain"), str(place / "images"))


def test_uncertainty_finds_errors_and_noise(tmp_path):
    """Once a network has learned: wrong answers are less sure than right ones, noise less than digits."""
    longer = {**SETTINGS, "model": "mlp([64])", "epochs": 12, "lr": 0.01, "out": tmp_path}
    for name, settings in {"masks": {"regularize": "dropout(0.5)"}, "members": {"members": 3}}.items():
        run = ravine.train("digits", name=name, **longer, **settings)
        part = own_data(run.path, run.best).splits["test"]
        found = Samples(run.best, 10).of([part.take(np.arange(len(part)))])
        wrong = found.mean.argmax(1) != part.y
        for measure in (found.mutual_information, found.entropy):
            above = (measure[wrong][:, None] > measure[~wrong]).mean()
            assert above > 0.8, "the area under the curve; 0.5 would be chance"
        noise = np.random.default_rng(0).integers(0, 256, (60, 1, 8, 8), np.uint8)
        unknown = Samples(run.best, 10).of([noise]).mutual_information
        assert np.median(unknown) > 2 * np.median(found.mutual_information)


def test_an_ensemble_that_was_trained_on_these_images_is_refused(place, capsys):
    ravine.train("digits", name="elsewhere", out=place, **{**SETTINGS, "test": 0.0, "seed": 5}, members=2)
    code, out, err = called(capsys, "masks", place / "one", "-n", "2", "--ensemble", place / "elsewhere")
    assert (code, out) == (3, "")
    assert "test images of one network were training images of another" in err
    ravine.train("digits", name="other-val", out=place, **SETTINGS, members=2, val=0.1)
    code, out, err = called(capsys, "masks", place / "one", "-n", "2", "--ensemble", place / "other-val")
    assert code == 0
    assert "only test is used" in err
    assert "the test split" in out


def test_folds_as_the_ensemble_and_more_members_than_masks(place, capsys):
    ravine.kfold("digits", name="three", folds=3, out=place, **SETTINGS)
    code, out, _ = called(capsys, "masks", place / "one", "-n", "1", "--ensemble", place / "three-kfold", "--json")
    assert code == 0
    assert json.loads(out)["training_seconds"]["ensemble"] > 0
    _, out, _ = called(capsys, "masks", place / "one", "-n", "1", "--ensemble", place / "three-kfold")
    assert "1 mask on the test split" in out
    assert "3 members cost 3 passes, more than there are masks: -n 3" in out
    assert "At equal prediction cost" not in out


def test_one_sample_says_that_it_cannot_disagree(place):
    network = ravine.load(place / "one")
    assert "nothing to disagree with" in Samples(network, 1).said
    assert "disagree" not in Samples(network, 2).said
    assert "disagree" not in Samples(ravine.load(place / "members"), 1).said
