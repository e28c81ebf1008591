"""`ravine augment`, and `--augment` and `--tta` of the other commands, as a person uses them."""

import json

import numpy as np
import pytest
from calling import called
from PIL import Image

import ravine
from ravine import data
from ravine.errors import UsageError


@pytest.fixture(scope="module")
def photos(tmp_path_factory):
    """60 noisy images of 20 x 20 in three colours, as an .npz."""
    rng = np.random.default_rng(0)
    y = np.arange(60) % 3
    x = np.clip(rng.normal(100, 40, (60, 20, 20, 3)) + 90 * np.eye(3)[y][:, None, None], 0, 255).astype(np.uint8)
    path = tmp_path_factory.mktemp("data") / "photos.npz"
    np.savez(path, x=x, y=y)
    return path


@pytest.fixture(scope="module")
def trained(photos, tmp_path_factory):
    """The folder of a run with a preset, and labels that are mixed."""
    settings = {"model": "convnet(width=4)", "epochs": 2, "batch": 8, "quiet": True, "device": "cpu"}
    return ravine.train(photos, out=tmp_path_factory.mktemp("runs"), augment="standard, mixup(0.2)", **settings).path


def test_a_page_of_what_training_would_do(photos, tmp_path, capsys):
    code, out, err = called(capsys, "augment", photos)
    assert code == 0
    assert "augment flip, translate(1) (colour images" in err
    assert out.startswith("augment.html")
    page = (tmp_path / "augment.html").read_text(encoding="utf-8")
    assert "flip, translate(1)" in page
    called(capsys, "augment", photos, "-o", "again.html")
    assert (tmp_path / "again.html").read_text(encoding="utf-8") == page
    called(capsys, "augment", photos, "-o", "other.html", "--seed", "1")
    assert (tmp_path / "other.html").read_text(encoding="utf-8") != page


def test_a_picture(photos, tmp_path, capsys):
    code, out, _ = called(capsys, "augment", photos, "-o", "sheet.png", "--augment", "strong", "--images", "2")
    assert code == 0
    assert out.startswith("sheet.png")
    with Image.open(tmp_path / "sheet.png") as image:
        assert image.size[0] > 900


def test_gray_digits_show_standard_and_flips_are_warned_of(capsys):
    code, _, err = called(capsys, "augment", "digits", "--images", "2")
    assert code == 0
    assert "this shows what standard would do" in err
    code, _, err = called(capsys, "augment", "digits", "--augment", "flip", "--images", "2")
    assert code == 0
    assert "warning: flip on gray images: are these digits" in err


@pytest.mark.parametrize(
    ("change", "code", "words"),
    [
        (["-o", "sheet.pdf"], 2, ".html"),
        (["--images", "0"], 2, "1 to 100"),
        (["--augment", "flipp"], 2, "Did you mean 'flip'"),
        (["--augment", "rotate(400)"], 2, "degrees cannot be 400"),
        (["--augment", "translate(20)"], 2, "below 20"),
        (["--augment", "none"], 2, "nothing to show"),
        (["-o", "nowhere/sheet.png"], 4, "cannot be written"),
        (["--size", "3"], 2, "--size"),
    ],
)
def test_mistakes_are_one_line(change, code, words, photos, capsys):
    got, out, err = called(capsys, "augment", photos, "--augment", "flip", *change)
    assert (got, out) == (code, "")
    assert words in err
    assert len(err.splitlines()) == 1


def test_floats_are_no_pictures(tmp_path, capsys):
    np.savez("floats.npz", x=np.random.default_rng(0).random((20, 1, 8, 8), np.float32), y=np.arange(20) % 2)
    code, _, err = called(capsys, "augment", "floats.npz")
    assert code == 3
    assert "no pictures" in err


def test_a_preset_is_spelled_out_in_the_recipe(trained):
    recipe = (trained / "recipe.toml").read_text(encoding="utf-8")
    assert 'augment = "flip, translate(1), rotate(10), scale(0.9, 1.1), jitter(0.2), mixup(0.2)"' in recipe


def test_evaluate_shows_both_numbers(trained, photos, capsys):
    _, plain, _ = called(capsys, "evaluate", trained, photos)
    for tta in ("flip", "shift", "10crop", "3"):
        code, out, _ = called(capsys, "evaluate", trained, photos, "--tta", tta)
        assert code == 0
        assert out.startswith(plain)
        assert f"with --tta {tta}: accuracy" in out.removeprefix(plain)
    _, out, _ = called(capsys, "evaluate", trained, photos, "--tta", "flip", "--json")
    score = json.loads(out)
    assert score["tta"]["views"] == "flip"
    assert score["tta"]["n"] == score["n"]
    code, out, err = called(capsys, "evaluate", trained, photos, "--tta", "flop")
    assert code == 2
    assert "none, flip, shift, 10crop" in err


def test_predict_averages_over_views(trained, tmp_path, capsys):
    pixels = np.random.default_rng(1).integers(0, 256, (20, 20, 3), np.uint8)
    Image.fromarray(pixels).save("new.png")
    answers = {}
    for tta in ("none", "flip"):
        _, out, _ = called(capsys, "predict", trained, "new.png", "--top", "3", "--json", "--tta", tta)
        answers[tta] = json.loads(out)
    assert "tta" not in answers["none"]
    assert answers["flip"]["tta"] == "flip"
    network = ravine.load(trained)
    both = network.probabilities(np.stack([pixels, pixels[:, ::-1]]).transpose(0, 3, 1, 2))
    mean = dict(zip(network.classes, both.mean(0).tolist(), strict=True))
    for name, share in answers["flip"]["predictions"][0]["top"].items():
        assert share == pytest.approx(mean[name], abs=1e-5)


def test_scores_of_views_are_those_of_their_mean(trained, photos):
    network = ravine.load(trained)
    dataset = network.open(photos)
    train = dataset.splits["train"]
    x = train.take(np.arange(len(train)))
    for tta in ("flip", 4):
        score = network.evaluate(dataset, "train", tta)
        mean = network.probabilities(x, tta)
        np.testing.assert_allclose(mean.sum(1), 1, atol=1e-5)
        assert score.vote_accuracy == pytest.approx((mean.argmax(1) == train.y).mean())
        assert score.vote_loss == pytest.approx(-np.log(mean[np.arange(len(x)), train.y]).mean(), rel=1e-4)
        whole = network.probabilities(x, tta)[7]
        np.testing.assert_allclose(network.probabilities(x[7:8], tta)[0], whole, atol=1e-5)


def test_what_has_no_views_is_refused(tmp_path):
    x = np.random.default_rng(0).normal(size=(60, 5)).astype(np.float32)
    settings = {"model": "mlp([4])", "epochs": 1, "quiet": True, "device": "cpu", "out": tmp_path}
    run = ravine.train((x, np.arange(60) % 2), **settings)
    with pytest.raises(UsageError, match="no views"):
        run.best.predict(x[:3], tta="flip")
    digits = data.load("digits").splits["train"]
    plain = ravine.train((digits.take(np.arange(90))[:, 0], digits.y[:90]), name="digits", **settings)
    with pytest.raises(UsageError, match="trained without augmentation"):
        plain.best.probabilities(digits.take(np.arange(3)), tta=4)
