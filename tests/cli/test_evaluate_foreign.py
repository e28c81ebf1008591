"""`ravine evaluate`, `info` and `predict` on weights of others' making, as a person uses them."""

import json
import re
import zipfile
from pathlib import Path

import pytest
import torch
from calling import called

import ravine
from ravine import building, draws

DATA = Path(__file__).parents[3] / "shared" / "data"
REFERENCE, CIFAR10 = DATA / "pretrained" / "resnet20-12fca82f.th", DATA / "cifar10-jpeg.zip"
MODEL = "resnet20(width=4)"


@pytest.fixture
def weights(tmp_path):
    with draws.seeded(0, 0, "init"):
        state = building.network(MODEL, (3, 32, 32), 10).state_dict()
    torch.save({"epoch": 3, "state_dict": {f"module.{n}": t for n, t in state.items()}}, tmp_path / "w.pth")
    return tmp_path / "w.pth"


@pytest.mark.skipif(not (REFERENCE.exists() and CIFAR10.exists()), reason="CIFAR-10 and resnet20 are not beside this")
def test_the_published_network_is_loaded_exactly(tmp_path, capsys):
    with zipfile.ZipFile(CIFAR10) as whole, zipfile.ZipFile(tmp_path / "some.zip", "w") as some:
        names = [name for name in whole.namelist() if "test/" in name and name.endswith((".jpg", ".jpeg"))]
        for name in sorted(names)[::10]:
            some.writestr(name[name.index("test/") :], whole.read(name))
    code, out, err = called(
        capsys, "evaluate", REFERENCE, tmp_path / "some.zip", "--model", "resnet20", "--normalize", "imagenet", "--json"
    )
    assert code == 0
    score = json.loads(out)
    assert score["n"] == 1000
    assert 0.78 < score["accuracy"] < 0.84  # 81.03% of all 10,000: three standard errors of 1,000 images are 3.7 points
    for words in ("loaded 97 of its 116", "'module.'", "19 counters", "imagenet", "sorted order", "airplane"):
        assert words in err


def test_all_that_was_assumed_is_said(weights, capsys):
    code, out, err = called(capsys, "evaluate", weights, "digits", "--cache", "cache")
    assert code == 0
    assert re.search(r"^accuracy +[\d.]+%", out)
    for words in (
        f"weights of {MODEL}, recognised by names and shapes; loaded 116 of its 116 tensors",
        "took 'state_dict' of w.pth (beside it: epoch)",
        "normalised by ImageNet's mean and deviation, since the file says nothing of it",
        "taken in the sorted order of the data (0, 1, 2",
        "images are brought to 32 x 32 pixels",
        "images are seen as 32 x 32 pixels in 3 channels",
    ):
        assert words in err


def test_info_says_what_is_in_the_file(weights, capsys):
    code, out, _ = called(capsys, "info", weights, "--json")
    facts = json.loads(out)
    assert (code, facts["model"], facts["outputs"], facts["tensors"]) == (0, MODEL, 10, 116)
    torch.save({"some.weight": torch.ones(2, 3)}, weights)
    code, out, _ = called(capsys, "info", weights)
    assert code == 0
    assert re.search(r"^parameters +6$", out, re.M)
    assert "weights of none of" in out


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["evaluate", "w.pth", "digits", "--model", "resnet32(width=4)"], 3, f"Did you mean --model '{MODEL}'?"),
        (["evaluate", "w.pth", "nowhere", "--normalize", "data"], 2, "nothing is trained"),
        (["evaluate", "w.pth", "digits", "--normalize", "imagine"], 2, "Did you mean 'imagenet'"),
        (["evaluate", "w.pth", "digits", "--model", "nonsense"], 2, "--model"),
        (["evaluate", "nothing.pth", "digits"], 3, "no such run folder or weights file"),
        (["evaluate", "runs/one", "digits", "--model", "resnet20"], 2, "says itself what it is. Leave --model out"),
        (["evaluate", "runs/one", "digits", "--normalize", "half"], 2, "Leave --normalize out"),
        (["predict", "w.pth", "x.png"], 3, "names no classes. ravine evaluate scores it on data, ravine finetune"),
    ],
)
def test_mistakes_are_one_line(arguments, code, words, weights, capsys):
    ravine.train("digits", name="one", model="mlp([4])", epochs=1, quiet=True, device="cpu", out="runs")
    capsys.readouterr()
    got, out, err = called(capsys, *arguments)
    assert (got, out) == (code, "")
    assert words in err.splitlines()[-1]
    assert sum(line.startswith("error: ") for line in err.splitlines()) == 1
