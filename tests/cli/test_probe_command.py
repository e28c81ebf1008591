"""`ravine features` and `ravine probe`, as a person uses them."""

import json
import re

import numpy as np
import pytest
from calling import called

import ravine
from ravine.cli import main


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    place = tmp_path_factory.mktemp("runs")
    settings = {"model": "convnet(width=4)", "epochs": 2, "test": 0.3, "quiet": True, "device": "cpu"}
    ravine.train("digits", name="one", out=place, **settings)
    return place


def test_a_table_of_all_blocks(place, capsys):
    code, out, err = called(capsys, "probe", place / "one", "digits", "--block", "all")
    assert code == 0
    for name in ("stem", "stage1.0", "stage3.1"):
        assert re.search(rf"^{name} +\d+ +[\d.]+% \([\d.]+ to [\d.]+\) +[\d.]+% ", out, re.M), name
    assert re.search(r"^most frequent class +10", out, re.M)
    counts = re.search(r"judged on 539 test images, fitted on ([\d,]+); (\d+) others chose l2 and k", out)
    assert sum(int(count.replace(",", "")) for count in counts.groups()) == 1797 - 539
    assert "was trained on the images that the probes are fitted on" in out
    assert "stem: linear probe" in err
    code, out, _ = called(capsys, "probe", place / "one" / "weights" / "best.safetensors", "digits", "--json")
    found = json.loads(out)
    assert code == 0
    assert [one["block"] for one in found["blocks"]] == ["stage3.1"]
    assert found["blocks"][0]["linear"]["accuracy"] > 0.5
    assert found["n"] == 539


def test_a_file_that_trains(place, tmp_path, capsys):
    code, out, err = called(capsys, "features", place / "one", "digits", "--block", "stage2")
    assert code == 0
    assert out.startswith("features.npz  0.1 MB: 8 features of stage2.1; images: train 1,797\n")
    assert "have learned images of this very data" in err
    code, again, _ = called(capsys, "features", place / "one", "digits", "--block", "stage2")
    assert "MB, replaced: 8 features" in again
    with np.load("features.npz") as saved:
        assert saved["x"].shape == (1797, 8)
    assert main(["train", "features.npz", "--epochs", "1", "--out", "runs", "--quiet"]) == 0
    _, out, _ = called(capsys, "features", place / "one", "digits", "-o", "other.npz", "--json")
    assert json.loads(out.splitlines()[-1])["width"] == 16


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["features", "one", "digits", "-o", "f.csv"], 2, ".npz"),
        (["features", "one", "digits", "-o", "nowhere/f.npz"], 4, "cannot be written"),
        (["features", "one", "digits", "-o", "one/weights/f.npz"], 2, "belongs to a run"),
        (["features", "one", "own.npz", "-o", "./own.npz"], 2, "is what it is made from"),
        (["features", "one", "digits", "--block", "stage9"], 2, "Did you mean"),
        (["probe", "one", "digits", "--member", "1"], 2, "there is one network"),
        (["probe", "nowhere", "digits"], 3, "nowhere"),
        (["probe", "one", "nowhere"], 3, "no such folder or file"),
        (["probe", "one", "digits", "--size", "3.5"], 2, "--size"),
        (["probe", "one", "digits", "--blocks", "all"], 2, "Did you mean '--block'"),
    ],
)
def test_mistakes_are_one_line(arguments, code, words, place, monkeypatch, capsys):
    monkeypatch.chdir(place)
    np.savez("own.npz", x=np.zeros((4, 8, 8), np.uint8), y=np.arange(4))
    got, out, err = called(capsys, *arguments)
    assert (got, out) == (code, "")
    assert words in err
    assert err.splitlines()[-1].startswith("error: ")
    assert sum(line.startswith("error: ") for line in err.splitlines()) == 1
