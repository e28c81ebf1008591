"""`ravine kfold`: what it prints, its JSON, its mistakes, what the other commands make of its folder."""

import json

import pytest

from ravine.cli import main
from ravine.cli.kfold import Options
from ravine.recipe import Recipe

QUICK = ["kfold", "digits", "-k", "3", "--model", "mlp(hidden=[16])", "--epochs", "2", "--device", "cpu", "--quiet"]


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def called(capsys, *arguments):
    code = main([str(a) for a in arguments])
    said = capsys.readouterr()
    return code, said.out, said.err


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
    assert called(capsys, "info", "runs/digits-kfold")[0] == 0
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
