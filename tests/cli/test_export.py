"""`ravine export` as a person uses it."""

import json

import numpy as np
import pytest
from calling import called

import ravine
from ravine.exporting import onnx_file

NEEDS_ONNX = pytest.mark.skipif(
    bool(onnx_file.missing()), reason=f"not installed: {', '.join(onnx_file.missing())} (pip install 'ravine[onnx]')"
)
SETTINGS = {"model": "mlp([8])", "epochs": 1, "quiet": True, "device": "cpu"}


@pytest.fixture(autouse=True)
def _untimed(monkeypatch):
    monkeypatch.setattr("ravine.exporting.parity._SECONDS", 0)


@pytest.fixture(scope="module")
def digits(tmp_path_factory):
    """A run whose training had dropout and an average."""
    how = {"regularize": "dropout(0.5)", "average": "ema(0.9)", "members": 3, "forward": "loop"}
    return ravine.train("digits", out=tmp_path_factory.mktemp("runs"), **SETTINGS, **how).path


def images(n=20):
    return np.random.default_rng(3).integers(0, 256, (n, 1, 8, 8), np.uint8)


def test_one_file_out_that_predicts_the_same(digits, capsys):
    code, out, err = called(capsys, "export", digits, "-o", "digits.safetensors")
    assert (code, err) == (0, "")
    assert out.startswith("digits.safetensors  0.0")
    assert "differs by at most 0, same class for 100.00%" in out
    assert "compared with ravine on 256 of 359 val examples of digits" in out
    np.testing.assert_array_equal(ravine.load("digits.safetensors").each(images()), ravine.load(digits).each(images()))


@NEEDS_ONNX
def test_all_three_and_what_goes_in_and_out(digits, capsys):
    files = ("a.safetensors", "a.onnx", "a.pt2")
    code, out, _ = called(capsys, "export", digits, "-o", files[0], "--onnx", files[1], "--torch", files[2], "--half")
    assert code == 0
    assert [line.split()[0] for line in out.splitlines()[:3]] == list(files)
    assert "in   images: uint8 [N, 1, 8, 8]" in out
    assert "the mean of 3 members' softmax" in out
    _, out, _ = called(capsys, "export", digits, "--torch", "a.pt2", "--use", "last", "--images", "5")
    assert "MB, replaced; differs" in out
    assert "on 5 of 359 val" in out


def test_a_member_alone(digits, capsys):
    code, _, _ = called(capsys, "export", digits, "--member", "2", "-o", "two.safetensors")
    assert code == 0
    np.testing.assert_allclose(
        ravine.load("two.safetensors").probabilities(images()), ravine.load(digits).each(images())[2]
    )
    code, out, _ = called(capsys, "info", "two.safetensors", "--json")
    assert json.loads(out)["members"] == 1
    code, _, err = called(capsys, "export", digits, "--member", "3", "-o", "three.safetensors")
    assert code == 2
    assert "no member 3; expected 0 to 2" in err


def test_a_weights_file_is_compared_on_data_that_is_named_or_drawn(digits, capsys):
    weights = digits / "weights" / "best.safetensors"
    code, out, err = called(capsys, "export", weights, "-o", "a.safetensors")
    assert code == 0
    assert "on 256 random images (seed 0)" in out
    assert "does not say where its data is" in err
    _, out, err = called(capsys, "export", weights, "-o", "a.safetensors", "--data", "digits")
    assert "359 val examples of digits" in out
    assert err == ""
    code, _, err = called(capsys, "export", weights, "-o", "a.safetensors", "--data", "nowhere")
    assert code == 3
    assert "nowhere" in err


def test_a_run_whose_data_is_gone_is_exported_all_the_same(tmp_path, capsys):
    x = np.random.default_rng(0).normal(size=(60, 5)).astype(np.float32)
    np.savez("moved.npz", x=x, y=np.arange(60) % 3)
    run = ravine.train(tmp_path / "moved.npz", **SETTINGS).path
    (tmp_path / "moved.npz").rename("now.npz")
    code, out, err = called(capsys, "export", run, "--torch", "a.pt2")
    assert code == 0
    assert "on 256 random examples" in out
    assert "features: float32 [N, 5]" in out
    assert "the data is no longer there" in err
    code, out, _ = called(capsys, "export", run, "--torch", "a.pt2", "--data", "now.npz")
    assert code == 0
    assert "examples of now" in out


def test_a_joined_ensemble(digits, capsys):
    other = ravine.train("digits", name="other", **{**SETTINGS, "model": "mlp([])"})
    both = ravine.Ensemble([ravine.load(digits), other.best], [0.8, 0.2])
    both.save(both_file := digits.parent / "both.safetensors")
    code, out, _ = called(capsys, "export", both_file, "--torch", "a.pt2", "-o", "half.safetensors", "--half")
    assert code == 0
    assert "the weighted mean of 4 members' softmax" in out
    again = ravine.load("half.safetensors")
    assert again.names == both.names
    np.testing.assert_allclose(again.probabilities(images()), both.probabilities(images()), atol=1e-2)
    code, _, _ = called(capsys, "export", both_file, "--member", "3", "-o", "three.safetensors")
    assert ravine.load("three.safetensors").about["model"] == "mlp([])"


@pytest.mark.parametrize(
    ("flags", "code", "words"),
    [
        ([], 2, "no file to write; expected -o FILE"),
        (["-o", "a.pt"], 2, ".safetensors"),
        (["--onnx", "a.pt2"], 2, ".onnx"),
        (["--torch", "nowhere/a.pt2"], 4, "nowhere/a.pt2: cannot be written"),
        (["-o", "a.safetensors", "--images", "0"], 2, "--images: cannot be 0; expected 1 or more"),
        (["-o", "a.safetensors", "--member", "two"], 2, "member"),
        (["-o", "a.safetensors", "--member", "-1"], 2, "no member -1"),
        (["-o", "a.safetensors", "--quantize"], 2, "no flag --quantize"),
    ],
)
def test_mistakes_are_one_line(flags, code, words, digits, tmp_path, capsys):
    got, out, err = called(capsys, "export", digits, *flags)
    assert (got, out) == (code, "")
    assert words in err
    assert len(err.splitlines()) == 1
    assert not list(tmp_path.iterdir())


def test_what_is_read_is_not_written_over(digits, capsys):
    weights = digits / "weights" / "best.safetensors"
    before = weights.read_bytes()
    for source in (digits, weights):
        code, _, err = called(capsys, "export", source, "--member", "0", "-o", weights)
        assert code == 2
        assert "belongs to a run" in err
    called(capsys, "export", digits, "-o", "a.safetensors")
    code, _, err = called(capsys, "export", "a.safetensors", "--half", "-o", "./a.safetensors")
    assert code == 2
    assert "is the file to be exported" in err
    assert weights.read_bytes() == before


def test_what_is_no_network_is_refused(tmp_path, capsys):
    (tmp_path / "a.txt").write_text("hello")
    for source, words in (("a.txt", "not a safetensors file"), ("missing", "no such run"), (".", "no best weights")):
        code, _, err = called(capsys, "export", source, "--torch", "a.pt2")
        assert code == 3
        assert words in err
