"""`ravine lr-find`: one suggestion, a line to go on with, a picture where one is asked for."""

import inspect
import json
import shlex
import subprocess
import sys

import pytest
from calling import called

from ravine.cli.lr_find import Options
from ravine.optimization import Sweep
from ravine.runs.lr_search import lr_find

PYTHON = {"model": "mlp(hidden=[32])", "device": "cpu", "quiet": True}
QUICK = ["lr-find", "digits", "--model", "mlp(hidden=[32])", "--device", "cpu", "--quiet"]


def test_one_suggestion_and_a_line_that_trains_with_it(tmp_path, capsys):
    code, out, err = called(capsys, *QUICK, "--optimizer", "momentum(rho=0.8, lr=0.3)", "--clip", "5")
    assert code == 0
    assert err == ""
    (line,) = (line for line in out.splitlines() if line.startswith("learning rate"))
    rate = line.split()[2]
    assert 0.003 < float(rate) < 1
    assert "is worth trying" in line
    assert out.count("why  ") == 1
    assert "▲" in out
    (command,) = (line for line in out.splitlines() if line.startswith("train with"))
    words = shlex.split(command.removeprefix("train with"))
    expected = ["ravine", "train", "digits", "--lr", rate, "--model", "mlp(hidden=[32])"]
    assert words == [*expected, "--optimizer", "momentum(rho=0.8)", "--clip", "5.0", "--device", "cpu"]
    assert list(tmp_path.iterdir()) == [], "no picture unless it is asked for"
    assert called(capsys, *words[1:], "--epochs", "1", "--quiet")[0] == 0
    assert f"lr = {rate}\n" in (tmp_path / "runs" / "digits" / "recipe.toml").read_text()


@pytest.mark.parametrize("ending", ["html", "svg", "json"])
def test_the_picture_is_where_it_was_asked_for(ending, tmp_path, capsys):
    code, out, _ = called(capsys, *QUICK, "--steps", "40", "-o", f"curve.{ending}")
    assert code == 0
    assert f"curve.{ending}" in out.splitlines()[-1]
    assert (tmp_path / f"curve.{ending}").stat().st_size > 2000


def test_json_is_one_object_and_nothing_else(tmp_path, capsys):
    code, out, _ = called(capsys, *QUICK, "--json", "--out", "curve.svg")
    assert code == 0
    parsed = json.loads(out)
    assert set(parsed["suggestion"]) == {"lr", "low", "high", "reason", "found"}
    assert f"--lr {parsed['suggestion']['lr']:g}" in parsed["command"]
    assert len(parsed["rates"]) == len(parsed["smoothed"]) > 100
    assert (tmp_path / "curve.svg").exists()


def test_without_a_valley_it_says_so_and_keeps_what_was_asked_for(capsys):
    code, out, _ = called(capsys, *QUICK, "--high", "1e-5", "--lr", "0.02")
    assert code == 0
    assert "no valley; default lr 0.02" in out
    assert "learning rate  0.02\n" in out
    assert "--lr 0.02 " in out


def test_a_sweep_that_began_too_high_is_told_which_flag_to_lower(capsys):
    code, out, _ = called(capsys, *QUICK, "--low", "1", "--high", "1000")
    assert code == 0
    assert "the first rates already throw the loss" in out
    assert "lower rate (--low)" in out
    parsed = json.loads(called(capsys, *QUICK, "--low", "1", "--high", "1000", "--json")[1])
    assert "lower rate (--low)" in parsed["suggestion"]["reason"]
    assert "lower rate (low)" in lr_find("digits", low=1.0, high=1e3, **PYTHON).suggestion.reason


def test_a_sweep_that_ended_too_low_is_told_which_flag_to_raise(capsys):
    code, out, _ = called(capsys, *QUICK, "--high", "1e-3", "--steps", "100")
    assert code == 0
    assert "higher rate (--high)" in out


@pytest.mark.parametrize(
    ("change", "code", "words"),
    [
        (["--steps", "5"], 2, "steps cannot be 5"),
        (["--low", "0"], 2, "low cannot be 0"),
        (["--low", "1", "--high", "0.5"], 2, "not below"),
        (["--stepps", "50"], 2, "Did you mean '--steps'"),
        (["--optimizer", "adamm"], 2, "Did you mean 'adam'"),
        (["-o", "curve.png"], 2, ".html, .svg or .json"),
        (["-o", "nowhere/curve.svg", "--steps", "20"], 4, "cannot be written"),
    ],
)
def test_mistakes_are_one_line(change, code, words, capsys):
    got, out, err = called(capsys, *QUICK, *change)
    assert got == code
    assert words in err
    assert len(err.splitlines()) == 1
    assert ("learning rate" in out) == (code == 4), "what was found is not lost with the picture"


def test_data_that_is_not_there_is_one_line(capsys):
    code, out, err = called(capsys, "lr-find", "nowhere/")
    assert code == 3
    assert (out, len(err.splitlines())) == ("", 1)


def test_ctrl_c_ends_at_once(tmp_path, monkeypatch, capsys):
    def interrupted(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(Sweep, "record", interrupted)
    code, out, err = called(capsys, *QUICK, "-o", "curve.svg")
    assert (code, out, err) == (130, "", "interrupted\n")
    assert list(tmp_path.iterdir()) == []


def test_the_flags_defaults_are_those_of_the_function():
    parameters = inspect.signature(lr_find).parameters
    for name in ("steps", "low", "high"):
        assert getattr(Options, name) == parameters[name].default


def test_help_needs_no_torch():
    code = (
        "import sys, contextlib, ravine.cli as c\nwith contextlib.suppress(SystemExit): c.main(['lr-find', '--help'])"
    )
    done = subprocess.run(
        [sys.executable, "-c", f"{code}\nprint('torch' in sys.modules)"], capture_output=True, text=True, check=True
    )
    assert "--steps" in done.stdout
    assert done.stdout.splitlines()[-1] == "False"
