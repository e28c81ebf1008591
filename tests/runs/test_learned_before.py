"""Weights that have learned the data: it is cut as it was then, or it is said how much of what judges they know."""

import json
import shutil
from dataclasses import replace

import numpy as np
import pytest
import torch

import ravine
from ravine import data
from ravine.checkpoints import weights_file
from ravine.cli import main
from ravine.errors import DataError
from ravine.pretrained import read_start, start_from, write_start
from ravine.recipe import Recipe
from ravine.runs.defaults import with_held_out
from ravine.runs.learned_before import apart, known_judges
from ravine.runs.probe_parts import probe_parts

QUIET = {"quiet": True, "device": "cpu"}
STILL = {"lr": 0.0, "epochs": 1, **QUIET}
CUT = {"val": 0.25, "seed": 3}


def coin_flips(seed, n=80, classes=("heads", "tails")):
    """Numbers and labels that have nothing to do with them: who has not learned these is right in half of the cases."""
    rng = np.random.default_rng(seed)
    x = rng.normal(0, 1, (n, 40)).astype(np.float32)
    return {"x": x, "y": np.arange(n) % 2, "classes": np.array(classes)}


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """Two data sets; a network that has learned the first by heart; one that then went on to the second."""
    place = tmp_path_factory.mktemp("place")
    np.savez(place / "one.npz", **coin_flips(0))
    np.savez(place / "two.npz", **coin_flips(1, classes=("sun", "rain")))
    ravine.train(place / "one.npz", model="mlp([64])", lr=0.01, epochs=60, name="first", out=place, **CUT, **QUIET)
    shutil.copy(place / "first" / "weights" / "last.safetensors", place / "first" / "weights" / "best.safetensors")
    ravine.finetune(place / "first", place / "two.npz", name="second", out=place, **STILL)
    return place


def names(run, split):
    dataset, _ = with_held_out(data.load(run.folder.read_json("request.json")["data"]), run.recipe)
    return list(dataset.splits[split].names)


def said(run):
    return (run.path / "log.txt").read_text(encoding="utf-8")


def test_the_data_is_cut_as_it_was_then(place, tmp_path):
    run = ravine.finetune(place / "first", place / "one.npz", out=tmp_path, **STILL)
    assert names(run, "val") == names(ravine.Run(place / "first"), "val")
    assert (run.recipe.val, run.recipe.seed) == (0.25, 3)
    assert abs(run.summary["last"]["val"]["accuracy"] - 0.5) < 0.35, "coins that nobody has seen"
    line = "has learned images of this data, but none of those that judge: it is cut as it was then"
    assert said(run).count(f"{line} (val 0.25, test 0, seed 3)") == 1
    assert "flatters" not in said(run)
    assert ravine.finetune(place / "first", place / "one.npz", out=tmp_path, **STILL).path == run.path


def test_another_cut_is_warned_of_once_with_numbers(place, tmp_path):
    run = ravine.finetune(place / "first", place / "one.npz", seed=1, val=0.5, out=tmp_path, **STILL)
    assert run.recipe.seed == 1
    then = set(names(ravine.Run(place / "first"), "train"))
    known = len(then & set(names(run, "val")))
    assert known > 20
    text = f"{place / 'first'} has learned {known} of the 40 validation images: accuracy on them flatters"
    assert said(run).count(text) == 1
    assert "Without --val, --test, --seed and --folds the data is cut as it was then" in said(run)
    warnings = {one["code"]: one["text"] for one in json.loads((run.path / "data.json").read_text())["warnings"]}
    assert warnings["learned"].startswith(text)


def test_without_a_common_image_there_is_nothing_to_warn_of(place, tmp_path):
    """A smaller validation split of the same draw is inside of the one that was held out then."""
    run = ravine.finetune(place / "first", place / "one.npz", seed=3, val=0.1, out=tmp_path, **STILL)
    assert run.recipe.val == 0.1
    assert "flatters" not in said(run)


def test_folds_are_refused_and_leave_no_folder(place, tmp_path):
    with pytest.raises(DataError, match=r"first: has learned images of one, and in folds each image judges once"):
        ravine.kfold(place / "one.npz", pretrained=str(place / "first"), out=tmp_path, **STILL)
    with pytest.raises(DataError, match=r"second: has learned"):
        ravine.kfold(place / "one.npz", pretrained=str(place / "second"), out=tmp_path, **STILL)
    assert not list(tmp_path.iterdir())
    np.savez(tmp_path / "new.npz", **coin_flips(2))
    assert ravine.kfold(tmp_path / "new.npz", pretrained=str(place / "first"), folds=2, out=tmp_path, **STILL)


def test_it_holds_over_generations(place, tmp_path):
    """What was fine-tuned on other data still knows the first."""
    ancestors = weights_file.read_about(place / "second" / "weights" / "best.safetensors")["ancestors"]
    assert [(one["val"], one["seed"]) for one in ancestors] == [(0.25, 3)]
    third = ravine.finetune(place / "second", place / "one.npz", out=tmp_path, name="third", **STILL)
    assert names(third, "val") == names(ravine.Run(place / "first"), "val")
    start = start_from(str(third.path))
    fingerprints = [data.load(place / f"{name}.npz").fingerprint for name in ("one", "two")]
    assert [len(start.learned_on(fingerprint)) for fingerprint in fingerprints] == [1, 1]
    assert start.learned_on("other") == ()
    write_start(tmp_path / "start.safetensors", start)
    assert read_start(tmp_path / "start.safetensors").learned == start.learned


def test_probe_and_features_know_the_ancestors(place, capsys):
    dataset = data.load(place / "one.npz")
    parts = probe_parts(dataset, Recipe(seed=5), start_from(str(place / "second")), 0)
    assert list(parts.judge.names) == names(ravine.Run(place / "first"), "val")
    assert parts.notes[0].endswith("not on those that judge")
    ravine.features(place / "second", place / "one.npz", **QUIET)
    assert "have learned images of this very data" in capsys.readouterr().err


def test_what_evaluate_scores_may_have_been_learned_by_an_ancestor(place, tmp_path, capsys):
    np.savez(tmp_path / "same.npz", **coin_flips(6))
    run = ravine.finetune(place / "first", tmp_path / "same.npz", out=tmp_path, **STILL)
    np.savez(tmp_path / "new.npz", **coin_flips(7))
    for source, warned in ((place / "one.npz", True), (tmp_path / "new.npz", False)):
        assert main(["evaluate", str(run.path), str(source)]) == 0
        assert ("these weights were trained on images of this very split" in capsys.readouterr().err) == warned


def test_a_soup_has_learned_what_its_parts_have(place, tmp_path):
    runs = [ravine.finetune(place / name, place / "two.npz", name=name, out=tmp_path, **STILL) for name in
            ("first", "second")]  # fmt: skip
    made = tmp_path / "soup.safetensors"
    assert main(["ensemble", *(str(run.path) for run in reversed(runs)), "--soup", "uniform", "-o", str(made)]) == 0
    fingerprints = {one.fingerprint for one in start_from(str(made)).all_learned}
    assert fingerprints == {data.load(place / f"{name}.npz").fingerprint for name in ("one", "two")}


def test_transfers_cut_as_then_and_its_commands_say_so(place, tmp_path):
    settings = {"epochs": 1, "members": 1, "depths": "0", **QUIET}
    found = ravine.transfers(ravine.Run(place / "first"), place / "one.npz", out=tmp_path, **settings)
    assert found.n == len(names(ravine.Run(place / "first"), "val"))
    for command in found.commands.values():
        assert "--val 0.25" in command
        assert "--seed 3" in command
    other = ravine.transfers(place / "first", place / "one.npz", seed=1, out=tmp_path, **settings)
    assert any("validation images: accuracy on them flatters" in warning for warning in other.warnings)
    assert "flatters" in (tmp_path / "one-transfers-2" / "log.txt").read_text(encoding="utf-8")


def test_where_no_cut_is_unseen_by_all_networks_that_is_said(place):
    """Networks of two folds: what was held out from one was learned by the other."""
    dataset, start = data.load(place / "one.npz"), start_from(str(place / "first"))
    folds = [replace(start.learned[0][0], folds=2, fold=fold) for fold in (0, 1)]
    both = replace(start, states=start.states * 2, learned=tuple((fold,) for fold in folds))
    told, recipe, _ = apart(dataset, Recipe(), both)
    assert (recipe.folds, recipe.fold) == (2, 0)
    text = "first has learned 40 of the 40 validation images: accuracy on them flatters"
    assert told.findings.warnings[-1].text.endswith(text), "no flag cures it"
    for member, fold in enumerate(folds):
        parts = probe_parts(dataset, Recipe(), both, member)
        assert list(parts.judge.names) == list(with_held_out(dataset, Recipe(**fold.cut))[0].splits["val"].names)
        assert parts.notes[0].endswith("not on those that judge"), "a member has its own cut"


def test_data_with_splits_of_its_own_needs_no_other_seed(tmp_path):
    val, test = coin_flips(4, 10), coin_flips(5, 10)
    brought = {"x_val": val["x"], "y_val": val["y"], "x_test": test["x"], "y_test": test["y"]}
    np.savez(tmp_path / "cut.npz", **coin_flips(3, 30), **brought)
    first = ravine.train(tmp_path / "cut.npz", model="mlp([8])", seed=9, name="first", out=tmp_path, epochs=1, **QUIET)
    dataset, recipe, start = apart(data.load(tmp_path / "cut.npz"), Recipe(), start_from(str(first.path)))
    assert recipe == Recipe()
    assert start.said[-1].endswith("it brings its own validation and test images")
    assert not dataset.findings.warnings
    run = ravine.finetune(first, tmp_path / "cut.npz", test=0.3, val=0.3, name="new", out=tmp_path, **STILL)
    assert "flatters" not in said(run)


def test_known_images_are_counted_by_what_they_are_and_not_by_their_names(place):
    """Positions in arrays are names that come twice: in x and in x_val."""
    then = start_from(str(place / "first")).learned[0]
    one = np.load(place / "one.npz")
    split = data.load({"x": one["x"][:60], "y": one["y"][:60], "x_val": one["x"][60:], "y_val": one["y"][60:]})
    assert known_judges(split, Recipe(), then) == {}
    folded = known_judges(split, Recipe(folds=4, fold=1), then)
    assert folded["val"][1] == 20
    assert 10 <= folded["val"][0] <= 20, "15 of 20 images are in train/, and all of them were trained on"


def test_what_others_weights_have_learned_is_not_known(place, tmp_path):
    tensors, _ = weights_file.read(place / "first" / "weights" / "best.safetensors")
    torch.save(tensors, tmp_path / "w.pth")
    start = start_from(str(tmp_path / "w.pth"))
    assert start.learned_on(data.load(place / "one.npz").fingerprint) == ()
    assert apart(data.load(place / "one.npz"), Recipe(), start)[1] == Recipe()


def test_ancestors_that_cannot_be_read_are_an_error_in_one_line(place, tmp_path):
    tensors, about = weights_file.read(place / "first" / "weights" / "best.safetensors")
    weights_file.write(tmp_path / "w.safetensors", tensors, about | {"ancestors": [{"fingerprint": "x"}]})
    with pytest.raises(DataError, match="does not say what its weights were trained on"):
        start_from(str(tmp_path / "w.safetensors"))
