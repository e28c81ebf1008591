"""`ravine transfers`, as a person uses it."""

import json

import numpy as np
import pytest
from calling import called

import ravine
from ravine import data


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A network for five of the digits, and images of the other five."""
    place, digits = tmp_path_factory.mktemp("place"), data.load("digits").splits["train"]
    x, y = digits.take(np.arange(400)), digits.y[:400]
    np.savez(place / "low.npz", x=x[y < 5], y=y[y < 5], classes=list("01234"))
    high = (x[y > 4], y[y > 4] - 5)
    ravine.train(high, model="mlp(hidden=(16,))", epochs=2, name="high", out=place, quiet=True, device="cpu")
    return place


def transfers(capsys, place, *flags):
    return called(capsys, "transfers", place / "high", place / "low.npz", "--epochs", 2, "--device", "cpu", *flags)


def test_plan_lines_sentences_and_files(place, tmp_path, capsys):
    files = [word for name in ("a.html", "a.svg", "a.json") for word in ("-o", name)]
    code, out, err = transfers(capsys, place, "--members", 2, *files)
    assert code == 0
    assert "1 block before the head: hidden" in err
    assert "5 trainings of 2 seeds and 2 epochs: depths 0, 1; all is decided on" in err
    lines = [line for line in err.splitlines() if "/5  " in line]
    assert len(lines) == 5
    assert all("left" in line for line in lines[:-1])
    numbers = json.loads((tmp_path / "a.json").read_text())
    assert out.splitlines()[:3] == numbers["sentences"]
    assert f"do it with     {numbers['command']}" in out
    assert "runs/low-transfers/transfers.html" in out
    page = (tmp_path / "runs" / "low-transfers" / "transfers.html").read_text(encoding="utf-8")
    assert (tmp_path / "a.html").read_text(encoding="utf-8") == page
    assert (tmp_path / "a.svg").read_text(encoding="utf-8").startswith("<svg")
    code, again, err = transfers(capsys, place, "--members", 2, "--json")
    assert code == 0
    assert "has finished" in err
    assert json.loads(again) == numbers
    code, _, err = called(capsys, "resume", tmp_path / "runs" / "low-transfers")
    assert code == 2
    assert "Its ravine transfers command goes on with it" in err


def test_three_seeds_unless_told_otherwise(place, capsys):
    code, _, err = transfers(capsys, place)
    assert code == 0
    assert "5 trainings of 3 seeds" in err


@pytest.mark.parametrize(
    ("flags", "code", "said"),
    [
        (["-o", "a.pdf"], 2, "error: -o a.pdf: unknown ending '.pdf'; expected .html"),
        (["--depths", "2"], 2, "error: --depths 2: 1 block before the head"),
        (["--depths", "a"], 2, "error: --depths: cannot be 'a'; expected numbers"),
        (["--keep", "first 1"], 2, "error: --keep: is what the experiment sets itself. Leave it out"),
        (["--frieze", "first 1"], 2, "no flag --frieze. Did you mean '--freeze'?"),
    ],
)
def test_refusals(place, tmp_path, capsys, flags, code, said):
    found, out, err = transfers(capsys, place, *flags)
    assert (found, out) == (code, "")
    assert said in err
    assert not list(tmp_path.glob("runs/*"))


def test_nothing_there(place, capsys):
    code, _, err = called(capsys, "transfers", "nowhere", place / "low.npz")
    assert code == 3
    assert err.startswith("error: nowhere: ")
