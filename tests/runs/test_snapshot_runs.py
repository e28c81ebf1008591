"""Snapshots of a run: what is kept, that it survives a kill, what is said of it, what is refused."""

import signal

import numpy as np
import pytest
import torch
from test_kill_and_resume import killed_and_resumed

import ravine
from ravine import data
from ravine.checkpoints import weights_file
from ravine.checkpoints.run_folder import RunFolder
from ravine.cli import main
from ravine.cli.results_table import print_results
from ravine.errors import UsageError
from ravine.recipe import Recipe
from ravine.runs import snapshots
from ravine.runs.defaults import resolve, with_held_out
from ravine.runs.trainer import Training
from ravine.training.position import Frozen

SMALL = {"model": "mlp(hidden=[16])", "epochs": 6, "batch": 32, "snapshots": 3, "quiet": True, "device": "cpu"}


@pytest.fixture(scope="module")
def arrays():
    digits = data.load("digits").splits["train"]
    return {
        "x": digits.take(np.arange(400))[:300],
        "y": digits.y[:300],
        "x_test": digits.take(np.arange(300, 400)),
        "y_test": digits.y[300:400],
    }


def snapshots_of(run):
    return weights_file.read(run.path / "weights" / "snapshots.safetensors")


def stepwise(arrays, **settings):
    """The deployed weights of a training of one member after each step, without any snapshots."""
    settings = {name: value for name, value in settings.items() if name not in ("quiet", "device")}
    recipe = Recipe(**{**settings, "snapshots": 0, "schedule": "cosine_restarts(cycles=3)"})
    dataset, recipe = with_held_out(data.load(arrays), recipe)
    training = Training(resolve(recipe, dataset, torch.device("cpu"))[0], dataset, torch.device("cpu"))
    after = {}

    def on_step(_):
        with training.deployed():
            after[training.step] = {
                name: t.clone() for name, t in training.population.named(training.population.state()).items()
            }

    for _ in training.epochs(on_step):
        pass
    return after


@pytest.mark.parametrize("more", [{}, {"model": "convnet(width=4)", "average": "ema(0.9)", "epochs": 4}])
def test_the_weights_at_the_end_of_each_cycle_and_the_training_is_untouched(arrays, tmp_path, more):
    settings = {**SMALL, **more}
    run = ravine.train(arrays, out=tmp_path, **settings)
    after = stepwise(arrays, **settings)
    total = len(after)
    tensors, about = snapshots_of(run)
    ends = [-(-total // 3), -(-2 * total // 3), total]
    assert about["members"] == 3
    assert about["epochs"] == [-(-end * settings["epochs"] // total) for end in ends]
    for i, end in enumerate(ends):
        for name, tensor in after[end].items():
            assert torch.equal(tensors[f"member{i:02d}/{name}"], tensor), (end, name)
    last, _ = weights_file.read(run.path / "weights" / "last.safetensors")
    assert all(torch.equal(tensor, after[total][name]) for name, tensor in last.items())


def test_the_file_is_an_ensemble_like_any_other_and_the_summary_says_what_it_does(arrays, tmp_path):
    run = ravine.train(arrays, out=tmp_path, **SMALL)
    trained = ravine.load(run.path / "weights" / "snapshots.safetensors")
    dataset = trained.open(arrays)
    answers = trained.answers(dataset, "test")
    found = run.summary["snapshots"]["test"]
    assert answers.members == 3
    assert found["n"] == 100
    assert found["accuracy"] == pytest.approx(answers.correct.mean(1))
    assert found["vote_accuracy"] == pytest.approx(trained.evaluate(dataset, "test").vote_accuracy)
    assert found["gain_over_last"] == pytest.approx(found["vote_accuracy"] - found["accuracy"][-1])
    assert found["gain_interval"][0] <= found["gain_over_last"] <= found["gain_interval"][1]
    assert run.summary["snapshots"]["epochs"] == [2, 4, 6]
    assert run.recipe.schedule == "cosine_restarts(cycles=3)"


def test_of_several_members_all_are_kept(arrays, tmp_path):
    run = ravine.train(arrays, out=tmp_path, members=2, forward="loop", **SMALL)
    tensors, about = snapshots_of(run)
    assert (about["members"], about["epochs"]) == (6, [2, 2, 4, 4, 6, 6])
    alone, _ = snapshots_of(ravine.train(arrays, out=tmp_path / "single", **SMALL))
    for i in range(3):
        for name in ("weight", "bias"):
            kept = next(key for key in alone if key.startswith(f"member{i:02d}/") and key.endswith(name))
            assert torch.equal(alone[kept], tensors[kept.replace(f"member{i:02d}/", f"member{2 * i:02d}/")])
    dataset = ravine.load(run.path / "weights" / "snapshots.safetensors").open(arrays)
    last = run.last.evaluate(dataset, "test").vote_accuracy
    assert run.summary["snapshots"]["test"]["accuracy"][-1] == pytest.approx(last)


def test_a_member_that_froze_before_any_score_is_left_out(arrays, tmp_path):
    settings = {name: value for name, value in SMALL.items() if name not in ("quiet", "device")}
    recipe = Recipe(**{**settings, "members": 3, "forward": "loop"})
    dataset, recipe = with_held_out(data.load(arrays), recipe)
    training = Training(resolve(recipe, dataset, torch.device("cpu"))[0], dataset, torch.device("cpu"))
    for _ in training.epochs():
        pass
    training.position.frozen.append(Frozen(member=1, epoch=1, step=1, why="loss nan"))
    training.best.epochs[1] = 0
    folder = RunFolder(tmp_path)
    folder.snapshot_weights.parent.mkdir()
    snapshots.write(folder, training)
    trained = ravine.load(folder.snapshot_weights)
    assert trained.about["members"] == len(trained.about["epochs"]) == len(trained.about["identities"]) == 6
    for place, (i, k) in enumerate((i, k) for i in range(3) for k in (0, 2)):
        assert torch.equal(trained.population.weights[place], training.snapshots.states[i]["weights"][k])


@pytest.mark.parametrize("stopped", [3, 4])
def test_resumed_after_any_epoch_the_same_bytes(arrays, tmp_path, monkeypatch, stopped):
    monkeypatch.setattr("ravine.runs.saving.COST_SHARE", float("inf"))

    def observer(row):
        if row["epoch"] == stopped:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        ravine.train(arrays, out=tmp_path / "part", observers=[observer], **SMALL)
    part = ravine.train(arrays, out=tmp_path / "part", **SMALL)
    whole = ravine.train(arrays, out=tmp_path / "whole", **SMALL)
    for name in ("weights/snapshots.safetensors", "weights/last.safetensors", "metrics.jsonl"):
        assert (part.path / name).read_bytes() == (whole.path / name).read_bytes(), name


def test_killed_anywhere_the_same_bytes(tmp_path):
    """Within the second cycle, and in the save right after it."""
    settings = {
        "model": "convnet(width=4)",
        "epochs": 3,
        "batch": 64,
        "val": 0.2,
        "snapshots": 3,
        "average": "ema(0.9)",
    }
    scenarios = [
        {"kind": "step", "at": 7, "every_step": False, "signal": signal.SIGKILL},
        {"kind": "step", "at": 4, "every_step": True, "signal": signal.SIGKILL},
        {"kind": "before-rename", "at": 2, "every_step": False, "signal": signal.SIGKILL},
    ]
    results = killed_and_resumed(tmp_path, settings, scenarios)
    assert "weights/snapshots.safetensors" in results["whole"]
    for result in results["scenarios"]:
        assert (result["hit"], result["ended"], result["resumed"]) == (True, -signal.SIGKILL, 0)
        assert result["fingerprint"] == results["whole"]


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"snapshots": 1}, "the last weights"),
        ({"schedule": "cosine"}, "has 1 cycle; expected 3"),
        ({"schedule": "cosine_restarts(cycles=5)"}, "or --snapshots 5"),
        ({"schedule": "plateau"}, "has 1 cycle"),
        ({"patience": 2}, "--patience"),
        ({"regularize": "early_stopping(3)"}, "early_stopping"),
        ({"sweep": "lr=[0.01, 0.1]"}, "--sweep"),
    ],
)
def test_refused_before_the_data_is_read(settings, words):
    with pytest.raises(UsageError, match="--snapshots") as refused:
        ravine.train("no/such/folder", **{**SMALL, **settings})
    assert words in str(refused.value)


def test_too_few_steps_for_the_cycles_leave_no_folder(arrays, tmp_path):
    with pytest.raises(UsageError, match="over 16 steps"):
        ravine.train(arrays, out=tmp_path, **{**SMALL, "snapshots": 50, "epochs": 2})
    assert list(tmp_path.iterdir()) == []


def test_the_end_says_what_they_cost_and_the_report_that_they_are_one_training(arrays, tmp_path, capsys):
    np.savez(tmp_path / "own.npz", **arrays)
    run = ravine.train(str(tmp_path / "own.npz"), out=tmp_path, **SMALL)
    print_results(run, as_json=False)
    seconds = run.summary["seconds"]
    said = f"one training of {seconds['data'] + seconds['compute']:,.1f} s for all of them"
    assert f"{said}; a prediction by the vote costs 3 times one's" in capsys.readouterr().out
    assert main(["ensemble", str(run.path / "weights" / "snapshots.safetensors")]) == 0
    out = capsys.readouterr().out
    assert "members are snapshots of one training" in out
    assert "new trainings" not in out
