"""k folds: every image once, by a network that has not seen it; killed and taken up again; an ensemble at the end."""

import csv
from dataclasses import replace

import numpy as np
import pytest
import torch

import ravine
from ravine import data
from ravine.checkpoints import weights_file
from ravine.ensembles import folds
from ravine.errors import DataError, UsageError
from ravine.interval import wilson
from ravine.recipe import Recipe
from ravine.runs import saving
from ravine.runs.defaults import with_held_out
from ravine.runs.fold_results import OutOfFold
from ravine.runs.folding import dealt, held_out, unseen_classes

SMALL = {"model": "mlp(hidden=[16])", "epochs": 2, "batch": 32, "quiet": True, "device": "cpu"}


@pytest.fixture(scope="module")
def arrays():
    digits = data.load("digits").splits["train"]
    return digits.take(np.arange(300)), digits.y[:300]


@pytest.fixture(scope="module")
def run(arrays, tmp_path_factory):
    return ravine.kfold(arrays, folds=3, test=0.2, out=tmp_path_factory.mktemp("runs"), **SMALL)


def rows_of(run):
    with (run.path / "oof.csv").open() as file:
        return list(csv.DictReader(file))


def test_every_image_once_by_a_network_that_has_not_seen_it(arrays, run):
    rows, dataset = rows_of(run), data.load(arrays)
    _, pool, fold = dealt(dataset, Recipe(folds=3, test=0.2))
    assert [row["image"] for row in rows] == pool.names
    assert [int(row["fold"]) for row in rows] == fold.tolist()
    for i in range(3):
        own, recipe = with_held_out(dataset, Recipe.read(run.path / f"fold{i}" / "recipe.toml"))
        assert own.splits["val"].names == [row["image"] for row in rows if row["fold"] == str(i)]
        assert not set(own.splits["val"].names) & set(own.splits["train"].names)
        assert (recipe.folds, recipe.fold) == (3, i)
        trained = ravine.load(run.path / f"fold{i}")
        p = trained.answers(own, "val").vote
        told = [row for row in rows if row["fold"] == str(i)]
        assert [row["prediction"] for row in told] == [dataset.classes[c] for c in p.argmax(1)]
        np.testing.assert_allclose([float(row["probability"]) for row in told], p.max(1), atol=1e-6)
        right = np.mean([row["prediction"] == row["label"] for row in told])
        assert run.summary["folds"][i]["accuracy"] == pytest.approx(right)
        assert trained.about["scores"][0][0] == pytest.approx(right), "what the fold's own run found"


def test_what_it_comes_to(run):
    rows, summary = rows_of(run), run.summary
    right = [row["prediction"] == row["label"] for row in rows]
    assert summary["best"]["val"]["n"] == len(rows) == 240
    assert summary["accuracy"] == pytest.approx(np.mean(right))
    assert summary["best"]["val"]["accuracy_interval"] == pytest.approx(list(wilson(sum(right), len(right))))
    folds = [one["accuracy"] for one in summary["folds"]]
    assert summary["spread"]["sd"] == pytest.approx(np.std(folds, ddof=1))
    p = np.mean(right)
    assert summary["spread"]["sd_of_images_alone"] == pytest.approx(np.sqrt(p * (1 - p) / 80))
    surest = [float(one["probability"]) for one in summary["suspects"]]
    assert surest == sorted(surest, reverse=True)
    assert all(one["label"] != one["prediction"] for one in summary["suspects"])
    wrong = [float(row["probability"]) for row in rows if row["prediction"] != row["label"]]
    assert surest[0] == max(wrong)


def test_the_folds_are_an_ensemble(arrays, run):
    ensemble = ravine.load(run.path)
    assert len(ensemble.parts) == 3
    test = data.with_validation(data.load(arrays), 0.2, 0.2, 0)
    answers = ensemble.answers(test, "test")
    assert run.summary["best"]["test"]["accuracy"] == pytest.approx(ensemble.evaluate(test, "test").vote_accuracy)
    for i in range(3):
        own = ravine.load(run.path / f"fold{i}").answers(test, "test")
        np.testing.assert_array_equal(answers.probabilities[i], own.probabilities[0])
    last = [weights_file.read(run.path / f"fold{i}" / "weights" / "last.safetensors")[0] for i in range(3)]
    together, _ = weights_file.read(run.path / "weights" / "last.safetensors")
    assert all(torch.equal(t, together[f"part{i:02d}/{name}"]) for i in range(3) for name, t in last[i].items())


def test_the_same_call_again_changes_nothing(arrays, run):
    before = {path: path.stat().st_mtime_ns for path in run.path.rglob("*") if path.is_file() and path.name != "lock"}
    again = ravine.kfold(arrays, folds=3, test=0.2, out=run.path.parent, **SMALL)
    assert again.path == run.path
    after = {path: path.stat().st_mtime_ns for path in run.path.rglob("*") if path.is_file() and path.name != "lock"}
    assert after.keys() == before.keys()
    assert {path.name for path in after if after[path] != before[path]} <= {"log.txt"}
    assert ravine.kfold(arrays, folds=2, out=run.path.parent, **SMALL).path != run.path


@pytest.mark.parametrize("stopped", [1, 3, 6])
def test_ended_anywhere_it_goes_on_to_the_same_bytes(arrays, run, tmp_path, monkeypatch, stopped):
    plain, saves = saving.Saver.save, iter(range(1, 100))
    monkeypatch.setattr(saving, "COST_SHARE", float("inf"))

    def save(self):
        if next(saves) == stopped:
            raise KeyboardInterrupt
        return plain(self)

    with monkeypatch.context() as patch:
        patch.setattr(saving.Saver, "save", save)
        with pytest.raises(KeyboardInterrupt):
            ravine.kfold(arrays, folds=3, test=0.2, out=tmp_path, **SMALL)
    part = ravine.kfold(arrays, folds=3, test=0.2, out=tmp_path, **SMALL)
    assert [path.name for path in tmp_path.iterdir()] == ["arrays-kfold"]
    for name in ("weights/best.safetensors", "weights/last.safetensors", "oof.csv"):
        assert (part.path / name).read_bytes() == (run.path / name).read_bytes(), name


def test_one_fold_alone_is_that_fold(arrays, run, tmp_path):
    alone = ravine.train(arrays, folds=3, fold=1, first_member=1, test=0.2, out=tmp_path, **SMALL)
    for name in ("weights/best.safetensors", "metrics.jsonl"):
        assert (alone.path / name).read_bytes() == (run.path / "fold1" / name).read_bytes()


def test_resume_of_a_fold_keeps_its_images_and_of_the_whole_is_refused(arrays, run, tmp_path):
    def observer(row):
        raise KeyboardInterrupt

    settings = {**SMALL, "folds": 3, "fold": 2, "first_member": 2, "test": 0.2}
    with pytest.raises(KeyboardInterrupt):
        ravine.train(arrays, out=tmp_path, observers=[observer], **settings)
    resumed = ravine.resume(tmp_path / "arrays", source=arrays, quiet=True, device="cpu")
    assert (resumed.path / "metrics.jsonl").read_bytes() == (run.path / "fold2" / "metrics.jsonl").read_bytes()
    with pytest.raises(UsageError, match="ravine kfold"):
        ravine.resume(run.path, source=arrays)


def test_val_joins_the_folds_and_test_does_not(arrays):
    x, y = arrays
    given = {"x": x[:200], "y": y[:200], "x_val": x[200:250], "y_val": y[200:250], "x_test": x[250:], "y_test": y[250:]}
    splits, pool, fold = dealt(data.load(given), Recipe(folds=5))
    assert (len(pool), len(splits["test"])) == (250, 50)
    np.testing.assert_array_equal(pool.take(np.arange(250))[:, 0], x[:250].reshape(250, 8, 8))
    assert (fold == folds(pool.y, 5)).all()
    seen = held_out(data.load(given), Recipe(folds=5, fold=4))
    assert {name: len(split) for name, split in seen.splits.items()} == {"train": 200, "val": 50, "test": 50}


def test_equal_images_are_in_the_same_fold(arrays):
    x, y = arrays
    x, y = np.concatenate([x, x[:40], x[:40]]), np.concatenate([y, y[:40], y[:40]])
    _, pool, fold = dealt(data.load((x, y)), Recipe(folds=7))
    assert (fold[:40] == fold[300:340]).all()
    assert (fold[:40] == fold[340:]).all()
    assert len(set(fold.tolist())) == 7


def test_the_test_split_is_that_of_a_training_without_folds(arrays):
    whole = data.load(arrays)
    splits, _, _ = dealt(whole, Recipe(folds=5, test=0.3, seed=4))
    assert splits["test"].names == data.with_validation(whole, 0.2, 0.3, 4).splits["test"].names


def test_members_of_each_fold_vote(arrays, tmp_path):
    run = ravine.kfold(arrays, folds=2, members=2, forward="loop", out=tmp_path, **SMALL)
    assert [len(part.population.members) for part in ravine.load(run.path).parts] == [2, 2]
    assert run.summary["folds"][0]["accuracy"] == pytest.approx(
        ravine.Run(run.path / "fold0").summary["best"]["val"]["accuracy"]
    )


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"folds": 1}, "fold 0 of 1"),
        ({"fold": 2}, "every fold is trained"),
        ({"val": 0.2}, "the fold is the validation"),
        ({"optimizer": "adm"}, "adam"),
    ],
)
def test_refused_before_the_data_is_read(settings, words):
    with pytest.raises(UsageError, match=words):
        ravine.kfold("no/such/folder", **{**SMALL, **settings})


@pytest.mark.parametrize("settings", [{"folds": 3, "fold": 3}, {"fold": 1}, {"folds": 1}])
def test_folds_that_cannot_be(settings):
    with pytest.raises(UsageError, match="--folds"):
        ravine.train("no/such/folder", **{**SMALL, **settings})


def test_a_mistake_does_not_take_the_name(arrays, tmp_path):
    for settings in ({"model": "convent"}, {"folds": 700}):
        with pytest.raises(UsageError):
            ravine.kfold(arrays, out=tmp_path, **{**SMALL, **settings})
    with pytest.raises(DataError):
        ravine.kfold(tmp_path / "nothing", out=tmp_path, **SMALL)
    assert list(tmp_path.iterdir()) == []


def test_who_never_saw_a_class_is_no_witness_against_its_labels():
    fold, labels = np.array([0, 1, 0, 1, 0]), np.array([0, 0, 1, 1, 2])
    assert unseen_classes(labels, fold).tolist() == [2]
    p = np.full((5, 3), 0.1)
    p[:, 1] = [0.8, 0.1, 0.8, 0.8, 0.99]
    said = OutOfFold("abc", ["u", "v", "w", "x", "y"], fold, labels, p, labels != 2)
    assert [one["image"] for one in said.suspects()] == ["u"]
    one = replace(said, known=np.ones(5, bool))
    assert [one["image"] for one in one.suspects()] == ["y", "u"]
