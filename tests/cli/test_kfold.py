"""`ravine kfold`: what it prints, its JSON, its mistakes, what the other commands make of its folder."""

import json
import re
import signal

import numpy as np
import pytest
from calling import called

import ravine
from ravine import data
from ravine.cli.kfold import Options
from ravine.errors import Interrupted
from ravine.recipe import Recipe
from ravine.runs import kfold as kfold_module
from ravine.runs.joining import seconds_of

QUICK = ["kfold", "digits", "-k", "3", "--model", "mlp(hidden=[16])", "--epochs", "2", "--device", "cpu", "--quiet"]


def test_from_training_to_prediction(tmp_path, capsys):
    code, out, err = called(capsys, *QUICK, "--test", "0.2")
    assert (code, err) == (0, "")
    lines = out.splitlines()
    assert lines[0].split() == ["fold", "epoch", "accuracy", "images", "loss"]
    assert [line.split()[0] for line in lines[1:5]] == ["0", "1", "2", "all"]
    assert "1,438" in lines[4]
    assert "Bengio" in out
    assert "flatters" in out
    assert "the folds as an ensemble on test" in out
    assert "the last weights were not chosen: " in out
    assert "s for all folds; a prediction of the ensemble costs 3 times one network's" in out
    assert out.count("check the label: x[") == 5
    csv = (tmp_path / "runs" / "digits-kfold" / "oof.csv").read_text().splitlines()
    assert csv[0] == "image,fold,label,prediction,probability,label_probability"
    assert len(csv) == 1 + 1438
    code, out, err = called(capsys, *QUICK, "--test", "0.2", "--json")
    assert (code, err) == (0, "")
    assert len(json.loads(out)["folds"]) == 3
    code, out, err = called(capsys, "evaluate", "runs/digits-kfold", "digits")
    assert code == 0
    assert "trained on images of this very split" in err
    assert re.search(r"^epochs +2, 2, 2$", called(capsys, "info", "runs/digits-kfold")[1], re.M)
    code, out, _ = called(capsys, "ensemble", "runs/digits-kfold")
    assert code == 0
    assert "members are folds" in out
    assert "new trainings" not in out
    took = sum(row["compute"] for row in ravine.Run("runs/digits-kfold/fold1").folder.read_rows("times.jsonl"))
    assert 0 < took < (seconds_of(["runs/digits-kfold"]) or 0)
    code, out, err = called(capsys, "resume", "runs/digits-kfold")
    assert (code, out, len(err.splitlines())) == (2, "", 1)


def test_validation_images_of_one_fold_are_no_validation_images_of_all(capsys):
    assert called(capsys, *QUICK)[0] == 0
    code, _, err = called(capsys, "ensemble", "runs/digits-kfold")
    assert code == 3
    assert "training images of another" in err


@pytest.mark.parametrize(
    ("change", "code", "words"),
    [
        (["-k", "1"], 2, "expected 2 or more"),
        (["-k", "-2"], 2, "-k: cannot be -2; expected 2 or more"),
        (["--sweep", "lr=[0.1, 0.2]"], 2, "chosen on the fold that judges it"),
        (["-k", "two"], 2, "-k"),
        (["--fold", "1"], 2, "every fold is trained"),
        (["--val", "0.1"], 2, "the fold is the validation"),
        (["--epoch", "3"], 2, "Did you mean '--epochs'"),
        (["--optimizer", "adamm"], 2, "Did you mean 'adam'"),
    ],
)
def test_mistakes_are_one_line(change, code, words, tmp_path, capsys):
    got, out, err = called(capsys, *QUICK, *change)
    assert (got, out, len(err.splitlines())) == (code, "", 1)
    assert words in err
    assert list(tmp_path.iterdir()) == []


def test_it_takes_every_flag_of_train():
    assert all(hasattr(Options, name) for name in vars(Recipe()))


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        (["--patience", "1"], "were too, by early stopping: "),
        (["--regularize", "early_stopping(1)"], "were too, by early stopping: "),
        (["--schedule", "plateau"], "were too, by the plateau schedule: "),
    ],
)
def test_last_weights_that_validation_had_a_say_in(flags, words, capsys):
    code, out, _ = called(capsys, *QUICK, *flags)
    assert code == 0
    assert words in out
    assert "not chosen" not in out


def test_copies_and_a_class_in_one_fold_are_told_truly(capsys):
    digits = data.load("digits").splits["train"]
    x, y = digits.take(np.arange(60)), digits.y[:60] % 2
    y[0] = 2
    np.savez("copies.npz", x=np.concatenate([x, x[1:31]])[:, 0], y=np.concatenate([y, y[1:31]]))
    code, out, err = called(capsys, "kfold", "copies.npz", "--test", "0.2", *QUICK[2:])
    assert code == 0
    assert err.count("test images are also in the folds") == 1
    assert "both sides" not in err
    assert err.count("all images of 2 are in one fold") == 1
    assert not [line for line in out.splitlines() if "is labelled 2" in line]


def test_stopped_it_says_what_goes_on(monkeypatch, capsys):
    def stopped(folder, *_):
        raise Interrupted(signal.SIGINT, where="here", cure=f"Go on with: ravine resume {folder.path}")

    monkeypatch.setattr(kfold_module, "train_in", stopped)
    code, _, err = called(capsys, *QUICK)
    assert code == 128 + signal.SIGINT
    assert "The same ravine kfold command goes on" in err
    assert "ravine resume" not in err
