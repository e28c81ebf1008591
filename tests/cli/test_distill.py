"""`ravine distill`, as a person uses it: trained, killed, resumed, compared, refused."""

import json
import os
import shutil
import signal
import subprocess
import sys
from dataclasses import replace
from itertools import islice
from pathlib import Path

import numpy as np
import pytest
import torch
from calling import called

import ravine
from ravine import data
from ravine.ensembles import vote
from ravine.errors import DataError, UsageError
from ravine.runs import teaching
from ravine.runs.comparison import compare
from ravine.runs.defaults import resolve, with_held_out
from ravine.runs.trainer import Training
from ravine.training.criterion import cross_entropy
from ravine.training.fit import _count
from ravine.training.position import Position

QUIET = {"quiet": True, "device": "cpu"}
STUDENT = ["--into", "mlp([8])", "--epochs", "3", "--batch", "64", "--device", "cpu"]


@pytest.fixture(scope="module")
def teacher(tmp_path_factory):
    settings = {"model": "mlp([32])", "epochs": 6, "members": 3, "test": 0.3, "val": 0.1, "seed": 4}
    return ravine.train("digits", name="three", out=tmp_path_factory.mktemp("teacher"), **settings, **QUIET).path


@pytest.fixture(scope="module")
def student(teacher, tmp_path_factory):
    return ravine.distill(teacher, into="mlp([8])", epochs=3, batch=64, out=tmp_path_factory.mktemp("s"), **QUIET)


def bytes_of(run):
    run = Path(run)
    newest = run / "checkpoints" / (run / "checkpoints" / "LATEST").read_text().strip()
    files = [*(run / "weights").iterdir(), run / "metrics.jsonl", newest / "state.json", newest / "tensors.safetensors"]
    return {file.name: file.read_bytes() for file in files}


def test_a_student_and_what_it_came_to(teacher, tmp_path, capsys):
    ravine.train("digits", model="mlp([8])", name="labels", epochs=3, test=0.3, val=0.1, seed=4, out=tmp_path, **QUIET)
    code, out, err = called(capsys, "distill", teacher, *STUDENT, "--compare", tmp_path / "labels", "--out", tmp_path)
    assert code == 0
    assert "3 networks to learn from" in err
    assert "val 0.1, test 0.3, seed 4" in err
    for words in ("the test split", "teacher", "student", "student minus teacher", "agree", "parameters", "images/s"):
        assert words in out
    assert f"student minus {tmp_path}/labels" in out
    run = ravine.Run(tmp_path / "three-distilled")
    assert run.best.about["members"] == 1
    sizes = [network.population.weights.numel() for network in (run.best, ravine.load(teacher))]
    assert f"the student has {sizes[0] / sizes[1]:.2g} times the teacher's parameters" in out
    assert "another --seed" not in out
    code, out, err = called(
        capsys, "distill", teacher, *STUDENT, "--compare", tmp_path / "labels", "--out", tmp_path, "--json"
    )
    assert "has finished; the command that trained it trains anew with --fresh" in err
    found = json.loads(out)
    accuracies = {Path(one["name"]).name: one["accuracy"] for one in found["networks"]}
    for name, path in {"teacher": teacher, "student": run.path, "labels": tmp_path / "labels"}.items():
        assert accuracies[name] == ravine.Run(path).summary["best"]["test"]["accuracy"]
    assert found["over_teacher"]["value"] == pytest.approx(accuracies["student"] - accuracies["teacher"])
    assert found["over_other"]["value"] == pytest.approx(accuracies["student"] - accuracies["labels"])
    assert json.loads((run.path / "distillation.json").read_text())["agreement"] == found["agreement"]


def test_the_run_says_who_taught_and_predicts_without_the_teacher(student, teacher):
    lesson = teaching.of(student.recipe)
    assert lesson.path == str((teacher / "weights" / "best.safetensors").resolve())
    assert len(lesson.sha256) == 64
    assert (lesson.temperature, lesson.alpha) == (2.0, 0.9)
    x = data.load("digits").splits["train"].take(np.arange(5))
    assert ravine.load(student.path).probabilities(x).shape == (5, 10)


def training(recipe, source="digits"):
    dataset = data.load(source)
    dataset, recipe = with_held_out(dataset, recipe)
    recipe, _ = resolve(recipe, dataset, torch.device("cpu"))
    return Training(recipe, dataset, torch.device("cpu"))


@pytest.mark.parametrize(
    "extra", [{}, {"members": 2}, {"members": 2, "shared": True}, {"augment": "translate(1), mixup"}]
)
def test_the_teacher_sees_the_very_images_that_the_student_sees(teacher, extra):
    """Targets are the teacher's average of probabilities on the batch itself, and the loss is the formula's."""
    asked = ravine.Recipe(
        model="mlp([8])", teacher=f'teacher("{teacher}", temperature=3.0, alpha=0.7)', seed=1, **extra
    )
    taught = training(asked)
    plain = replace(taught.feed, teach=None)
    network = ravine.load(teacher)
    for (x, targets), (same, y) in islice(zip(taught.feed.epoch(2), plain.epoch(2), strict=True), 3):
        assert torch.equal(x, same)
        mean, std = (torch.tensor(v).view(1, 1, -1, 1, 1) for v in (taught.normalize.mean, taught.normalize.std))
        seen = network.normalize((x * std + mean).flatten(0, 1))
        with torch.no_grad():
            said = np.stack([member(seen).softmax(1).numpy() for member in network.population.members])
        expected = vote(said).reshape(*x.shape[:2], 10)
        np.testing.assert_allclose(targets[:, :, 1].numpy(), expected, atol=2e-5)
        labels = torch.nn.functional.one_hot(y, 10).float() if y.dim() == 2 else y
        assert torch.equal(targets[:, :, 0], labels)
        logits = torch.randn(*x.shape[:2], 10)
        of_labels = cross_entropy()
        q = torch.from_numpy(expected).pow(1 / 3) / torch.from_numpy(expected).pow(1 / 3).sum(2, keepdim=True)
        kl = (q * (q.log() - (logits / 3).log_softmax(2))).sum(2).mean(1)
        loss = teaching.criterion(taught.recipe, of_labels)(logits, targets)
        position = Position(torch.zeros(3, len(x), dtype=torch.float64))
        _count(position, loss, None, logits, targets, loss)
        right = logits.argmax(2) == labels.argmax(2)
        assert position.sums[1].tolist() == right.sum(1).tolist(), "training accuracy is that on labels"
        torch.testing.assert_close(loss, 0.7 * 9 * kl + 0.3 * of_labels(logits, y), rtol=1e-4, atol=1e-4)


def test_without_the_teacher_s_share_it_is_the_training_on_labels(teacher, tmp_path):
    """alpha = 0: the same numbers as without a teacher, to rounding (labels as probabilities)."""
    settings = {"model": "mlp([8])", "epochs": 2, "test": 0.3, "val": 0.1, "seed": 4, **QUIET, "out": tmp_path}
    plain = ravine.train("digits", name="plain", **settings)
    taught = ravine.distill(teacher, into="mlp([8])", epochs=2, alpha=0.0, out=tmp_path, **QUIET)
    for a, b in zip(plain.metrics, taught.metrics, strict=True):
        assert a["train/loss"] == pytest.approx(b["train/loss"], rel=1e-4)
        assert a["train/accuracy"] == pytest.approx(b["train/accuracy"], abs=0.005), "counted by the labels"
        assert a["val/accuracy"] == pytest.approx(b["val/accuracy"], abs=0.02)


def test_classes_in_another_order_are_matched_by_name(teacher):
    digits, network = data.load("digits").splits["train"], ravine.load(teacher)
    few = digits.take(np.arange(300))
    turned = data.load({"x": few, "y": 9 - digits.y[:300], "classes": np.array(list("9876543210"))})
    recipe = ravine.Recipe(teacher=f'teacher("{teacher}")')
    teaches = teaching.lessons(recipe, turned, network.normalize, torch.device("cpu"))
    x = network.normalize(torch.from_numpy(few))[None]
    said = teaches(x, torch.zeros(1, 300, dtype=torch.int64))[0, :, 1]
    np.testing.assert_allclose(said, network.probabilities(few)[:, ::-1], atol=1e-5)


KILL = """
import os, signal, sys
import ravine
from ravine.optimization import Stepper
from ravine.runs import saving
saving.COST_SHARE, saving.MID_EPOCH_SECONDS = 1e9, 0.0
plain, hits = Stepper.step, iter(range(1, 10**9))
def step(self, *arguments):
    plain(self, *arguments)
    if next(hits) == 17:
        os.kill(os.getpid(), signal.SIGKILL)
Stepper.step = step
ravine.distill(sys.argv[1], into="mlp([8])", epochs=3, batch=64, out=sys.argv[2], quiet=True, device="cpu")
"""


@pytest.fixture(scope="module")
def killed_once(teacher, tmp_path_factory):
    place = tmp_path_factory.mktemp("killed")
    done = subprocess.run([sys.executable, "-c", KILL, teacher, place], env={**os.environ, "OMP_NUM_THREADS": "1"})
    assert done.returncode == -signal.SIGKILL
    return place / "three-distilled"


@pytest.fixture
def killed(killed_once, tmp_path):
    return shutil.copytree(killed_once, tmp_path / "runs" / killed_once.name)


def test_killed_and_resumed_it_is_the_same_to_the_byte(killed, student, teacher):
    assert (killed / "checkpoints" / "LATEST").is_file()
    again = ravine.distill(teacher, into="mlp([8])", epochs=3, batch=64, out=killed.parent, **QUIET)
    assert again.path == killed
    assert bytes_of(killed) == bytes_of(student.path)


def test_resume_finds_the_teacher_and_refuses_another(killed, teacher, student, capsys):
    weights = teacher / "weights" / "best.safetensors"
    kept = weights.read_bytes()
    try:
        weights.write_bytes((teacher / "weights" / "last.safetensors").read_bytes())
        code, _, err = called(capsys, "resume", killed)
        assert code == 3
        assert "the teacher has changed" in err
        with pytest.raises(DataError, match="has changed"):  # a finished one's, too
            ravine.distill(teacher, into="mlp([8])", epochs=3, batch=64, out=student.path.parent, **QUIET)
        weights.unlink()
        code, _, err = called(capsys, "resume", killed)
        assert code == 3
        assert "the teacher is no longer there" in err
        assert len(err.splitlines()) == 1
    finally:
        weights.write_bytes(kept)
    assert called(capsys, "resume", killed, "--quiet")[0] == 0
    assert bytes_of(killed) == bytes_of(student.path)


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["nowhere"], 3, "no such run"),
        (["three", "--temperature", "0"], 2, "--temperature 0.0: temperature cannot be 0"),
        (["three", "--alpha", "2"], 2, "--alpha 2.0: alpha cannot be 2"),
        (["three", "--model", "mlp", "--into", "convnet"], 2, "--into"),
        (["three", "--teacher", "teacher('x')"], 2, "--teacher"),
        (["three", "--into", "convnett"], 2, "--into: unknown name 'convnett'. Did you mean 'convnet'"),
        (["three", "--use", "first"], 2, "first"),
        (["three", "--compare", "nowhere"], 3, "no such run"),
        (["three", "large.npz"], 3, "sees inputs"),
        (["three", "other.npz"], 3, "classes that only one of both knows"),
        (["three/weights/best.safetensors"], 2, "ravine distill WEIGHTS DATA"),
    ],
)
def test_mistakes_are_one_line_and_leave_nothing(arguments, code, words, teacher, tmp_path, monkeypatch, capsys):
    (tmp_path / "three").symlink_to(teacher)
    digits = data.load("digits").splits["train"]
    x, y = digits.take(np.arange(200)), digits.y[:200]
    np.savez("large.npz", x=np.pad(x, ((0, 0), (0, 0), (0, 1), (0, 1))), y=y)
    np.savez("other.npz", x=x, y=y % 5)
    got, out, err = called(capsys, "distill", *arguments, "--quiet")
    assert (got, out) == (code, "")
    assert words in err
    assert len([line for line in err.splitlines() if not line.startswith("warning")]) == 1
    assert not list((tmp_path / "runs").glob("*")), "the name stays free"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("teacher", "path"),
        ("runs/five", 'expected teacher("runs/five", temperature=2, alpha=0.9)'),
        ("teacher(3)", "path cannot be 3"),
        ("teacher('a'), teacher('b')", "2 teachers"),
        ("tutor('a')", "unknown name 'tutor'"),
        ("teacher('a', alpha=-1)", "alpha cannot be -1"),
        ("teacher('a', heat=2)", "no setting 'heat'"),
    ],
)
def test_a_recipe_s_teacher_that_cannot_be(text, words):
    with pytest.raises(UsageError, match="--teacher") as refused:
        ravine.train("digits", teacher=text, **QUIET)
    assert words in str(refused.value)


def test_what_is_named_is_not_the_teacher_s_even_where_it_is_the_default(teacher, tmp_path, capsys):
    code, _, err = called(capsys, "distill", teacher, *STUDENT, "--seed", "0", "--test=0.0", "--out", tmp_path)
    assert code == 0
    assert "held out, not as by the teacher: val 0.1, test 0, seed 0" in err
    recipe = ravine.Run(tmp_path / "three-distilled").recipe
    assert (recipe.seed, recipe.test, recipe.val) == (0, 0.0, 0.1)
    again = ravine.distill(teacher, into="mlp([8])", epochs=1, seed=0, test=0.0, name="py", out=tmp_path, **QUIET)
    assert (again.recipe.seed, again.recipe.test) == (0, 0.0)


@pytest.fixture(scope="module")
def folds(tmp_path_factory):
    settings = {"model": "mlp([8])", "epochs": 1, "folds": 3, "seed": 2, **QUIET}
    return ravine.kfold("digits", name="k", out=tmp_path_factory.mktemp("folds"), **settings).path


def test_a_student_of_folds(folds, teacher, tmp_path, capsys):
    code, out, err = called(capsys, "distill", folds, *STUDENT, "--out", tmp_path)
    assert code == 0, err
    assert "3 networks to learn from; held out as by the teacher: fold 0 of 3" in err
    assert "2 of the 3 networks of teacher were trained on these images" in out
    code, out, err = called(capsys, "distill", folds / "fold1", *STUDENT, "--out", tmp_path)
    assert code == 0, err
    assert "held out as by the teacher: fold 1 of 3" in err
    assert "were trained on these images" not in out
    code, _, err = called(capsys, "distill", teacher, *STUDENT, "--folds", "3", "--fold", "1", "--out", tmp_path)
    assert code == 0, err
    assert "held out, not as by the teacher: fold 1 of 3, test 0.3" in err


@pytest.mark.parametrize("name", ["teacher", "student"])
def test_a_network_to_compare_with_may_have_any_name(name, student, teacher, tmp_path):
    (tmp_path / name).symlink_to(teacher)
    found = compare(student, other=name)
    assert [one.name for one in found.networks] == ["teacher", "student", name]
    assert found.networks[0].accuracy == found.networks[2].accuracy
    assert found.over_teacher == found.over_other


def test_what_each_cost_is_told(student, teacher):
    found = compare(student)
    assert [one.passes for one in found.networks] == [3, 1]
    for one, path in zip(found.networks, (teacher, student.path), strict=True):
        seconds = ravine.Run(path).summary["seconds"]
        assert one.training == pytest.approx(seconds["data"] + seconds["compute"])


def test_a_teacher_of_arrays_asks_for_them_by_place(tmp_path, capsys):
    digits = data.load("digits").splits["train"]
    arrays = (digits.take(np.arange(100)), digits.y[:100])
    ravine.train(arrays, name="arrays", model="mlp([8])", epochs=1, out=tmp_path, **QUIET)
    code, _, err = called(capsys, "distill", tmp_path / "arrays", *STUDENT)
    assert code == 2
    assert "ravine distill TEACHER FILE.npz" in err
