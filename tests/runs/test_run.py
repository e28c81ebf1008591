"""Runs from Python: resumed, finished, interrupted, with best and last weights that are what they say."""

import errno
import os
import signal
from dataclasses import replace

import numpy as np
import pytest
import torch

import ravine
from ravine import data
from ravine.checkpoints import store, weights_file
from ravine.errors import DataError, Interrupted, NonFiniteLossError, SaveError, UsageError
from ravine.runs import results, scoring

SMALL = {"model": "mlp(hidden=[16])", "epochs": 5, "batch": 32, "quiet": True, "device": "cpu"}


@pytest.fixture(scope="module")
def arrays():
    digits = data.load("digits").splits["train"]
    return digits.take(np.arange(300)), digits.y[:300]


def weights_of(run, which):
    return weights_file.read(run.path / "weights" / f"{which}.safetensors")


def script_scores(monkeypatch, accuracies):
    """The validation accuracy of epoch e is accuracies[e - 1], whatever was learned."""
    plain = scoring.score

    def score(training, split, rows=None, keep=None):
        got = plain(training, split, rows, keep)
        epoch = min(training.position.epoch, len(accuracies) - 1)
        return replace(got, accuracy=(accuracies[epoch],)) if split == "val" else got

    monkeypatch.setattr(scoring, "score", score)
    monkeypatch.setattr(results, "score", score)


@pytest.mark.parametrize("interrupted_after", [None, 2, 3, 4])
def test_best_at_epoch_3_of_5(arrays, tmp_path, monkeypatch, interrupted_after):
    script_scores(monkeypatch, [0.1, 0.3, 0.9, float("nan"), 0.5])
    seen = {}

    def observer(row):
        if row["epoch"] == interrupted_after and interrupted_after not in seen:
            seen[interrupted_after] = True
            raise KeyboardInterrupt

    if interrupted_after:
        monkeypatch.setattr("ravine.runs.saving.COST_SHARE", float("inf"))
        with pytest.raises(KeyboardInterrupt):
            ravine.train(arrays, out=tmp_path, observers=[observer], **SMALL)
    run = ravine.train(arrays, out=tmp_path, observers=[observer], **SMALL)
    (tensors, best), (_, last) = weights_of(run, "best"), weights_of(run, "last")
    assert best["epochs"] == [3]
    assert last["epochs"] == [5]
    assert best["scores"][0][0] == 0.9
    assert run.summary["best_epoch"] == 3

    script_scores(monkeypatch, [0.1, 0.2, 0.9, 0.0])
    third = ravine.train(arrays, out=tmp_path / "stopped", patience=1, **SMALL)
    assert third.summary["epochs"] == 4, "one epoch without a better score"
    expected, _ = weights_of(third, "best")
    assert all(torch.equal(tensors[name], expected[name]) for name in tensors), "the weights of epoch 3"


def test_the_same_call_again_returns_the_finished_run(arrays, tmp_path):
    first = ravine.train(arrays, out=tmp_path, **SMALL)
    rows = []
    again = ravine.train(arrays, out=tmp_path, observers=[rows.append], **SMALL)
    assert again.path == first.path
    assert rows == []
    other = ravine.train(arrays, out=tmp_path, **{**SMALL, "epochs": 6})
    assert other.path != first.path
    fresh = ravine.train(arrays, out=tmp_path, fresh=True, **SMALL)
    assert fresh.path not in (first.path, other.path)
    assert (fresh.path / "metrics.jsonl").read_bytes() == (first.path / "metrics.jsonl").read_bytes()


def test_a_signal_saves_at_the_next_step_and_resume_goes_on(arrays, tmp_path):
    whole = ravine.train(arrays, out=tmp_path / "whole", **SMALL)

    def observer(row):
        if row["epoch"] == 2:
            os.kill(os.getpid(), signal.SIGTERM)

    with pytest.raises(Interrupted) as ended:
        ravine.train(arrays, out=tmp_path / "part", observers=[observer], **SMALL)
    assert ended.value.exit_code == 143
    path = tmp_path / "part" / "arrays"
    assert store.load_newest(path / "checkpoints").state["position"]["step"] == 1
    assert ravine.Run(path).summary == {}
    with pytest.raises(UsageError, match="arrays"):
        ravine.resume(path)
    resumed = ravine.resume(path, source=arrays, quiet=True, device="cpu")
    for name in ("weights/best.safetensors", "weights/last.safetensors", "metrics.jsonl"):
        assert (resumed.path / name).read_bytes() == (whole.path / name).read_bytes(), name


def test_a_full_disk_keeps_the_checkpoint_before(arrays, tmp_path, monkeypatch):
    monkeypatch.setattr("ravine.runs.saving.COST_SHARE", float("inf"))
    saves = iter(range(1, 100))

    def full(name):
        if name == "before-manifest" and next(saves) == 3:
            raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(store, "failpoint", full)
    with pytest.raises(SaveError, match="No space left"):
        ravine.train(arrays, out=tmp_path, **SMALL)
    assert store.load_newest(tmp_path / "arrays" / "checkpoints").state["position"]["epoch"] == 2
    run = ravine.train(arrays, out=tmp_path, **SMALL)
    assert run.summary["epochs"] == 5


def test_members_vote_and_each_keeps_its_own_best(arrays, tmp_path):
    x, y = arrays
    run = ravine.train(arrays, out=tmp_path, members=3, forward="loop", **SMALL)
    assert len(run.summary["best_epoch"]) == 3
    assert run.metrics[0].keys() >= {"member02/val/accuracy", "vote/val/accuracy"}
    trained = run.best
    probabilities = trained.probabilities(x[:20])
    each = [
        member(trained.normalize(torch.from_numpy(x[:20]))).softmax(1).detach() for member in trained.population.members
    ]
    np.testing.assert_allclose(probabilities, torch.stack(each).mean(0).numpy(), atol=1e-6)
    single = ravine.train(arrays, out=tmp_path / "single", **SMALL)
    alone, _ = weights_of(single, "last")
    together, _ = weights_of(run, "last")
    assert all(torch.equal(together[f"member00/{name}"], tensor) for name, tensor in alone.items())


def test_changed_data_is_refused_when_finished_too(arrays, tmp_path):
    np.savez(tmp_path / "some.npz", x=arrays[0], y=arrays[1])
    ravine.train(tmp_path / "some.npz", out=tmp_path / "runs", **SMALL)
    np.savez(tmp_path / "some.npz", x=arrays[0][:-1], y=arrays[1][:-1])
    with pytest.raises(DataError, match="changed"):
        ravine.train(tmp_path / "some.npz", out=tmp_path / "runs", **SMALL)


def test_lost_weights_of_a_finished_run_come_back(arrays, tmp_path):
    run = ravine.train(arrays, out=tmp_path, **SMALL)
    before = (run.path / "weights" / "best.safetensors").read_bytes()
    (run.path / "weights" / "best.safetensors").unlink()
    again = ravine.train(arrays, out=tmp_path, **SMALL)
    assert again.path == run.path
    assert (run.path / "weights" / "best.safetensors").read_bytes() == before


def test_a_mistake_does_not_take_the_name(arrays, tmp_path):
    for wrong in ({"model": "convent"}, {"device": "cuda:77"}, {"optimizer": "adm"}, {"augment": "flip(3)"}):
        with pytest.raises(UsageError):
            ravine.train(arrays, out=tmp_path, **{**SMALL, **wrong})
    assert list(tmp_path.iterdir()) == []


def test_what_was_timed_before_the_first_save_stays_decided(arrays, tmp_path, monkeypatch):
    ways = iter([("loop", {"loop": 1.0}), ("vmap", {"vmap": 1.0})])
    monkeypatch.setattr("ravine.runs.networks.fastest_way", lambda population, batch: next(ways))

    def killed(self):
        raise SystemExit

    with monkeypatch.context() as patch:
        patch.setattr("ravine.runs.saving.Saver.save", killed)
        with pytest.raises(SystemExit):
            ravine.train(arrays, out=tmp_path, members=2, **SMALL)
    assert ravine.train(arrays, out=tmp_path, members=2, **SMALL).recipe.forward == "loop"


def test_the_callers_generator_stays_untouched(tmp_path):
    x = np.random.default_rng(0).integers(0, 255, (40, 16, 16, 3), np.uint8)
    torch.manual_seed(3)
    expected = torch.rand(2)
    torch.manual_seed(3)
    ravine.train((x, np.arange(40) % 2), out=tmp_path, **{**SMALL, "epochs": 1, "augment": "flip, translate(1)"})
    assert torch.equal(torch.rand(2), expected)


def test_overflowing_weights_are_never_saved(arrays, tmp_path):
    """One step an epoch, so that the save after it meets the weights before any loss does."""
    absurd = {**SMALL, "optimizer": "sgd", "lr": 1e39, "schedule": "constant", "batch": 300}
    with pytest.raises(NonFiniteLossError, match="overflowed"):
        ravine.train(arrays, out=tmp_path, **absurd)
    assert not list(tmp_path.glob("*/weights/*.safetensors"))
    assert not list(tmp_path.glob("*/checkpoints/step-*"))


def test_columns_are_those_of_the_plan(arrays, tmp_path):
    run = ravine.train(arrays, out=tmp_path, **SMALL)
    assert [row["epoch"] for row in run.metrics] == [1, 2, 3, 4, 5]
    wanted = {"train/loss", "train/accuracy", "train/clean_accuracy", "val/loss", "val/accuracy", "lr"}
    assert run.metrics[0].keys() >= wanted
    head = (run.path / "results.csv").read_text().splitlines()[0].split(",")
    assert set(head) >= wanted | {"images_per_second"}
    assert run.recipe.epochs == 5
    assert "val accuracy" in repr(run)


def test_nothing_in_a_weights_file_is_executed_or_trusted(arrays, tmp_path):
    run = ravine.train(arrays, out=tmp_path, **SMALL)
    tensors, about = weights_of(run, "best")
    for wrong in ({"model": "os.system('x')"}, {"model": "nonsense"}, {"classes": 3}, {"in_shape": [1, 9, 9]}):
        weights_file.write(tmp_path / "wrong.safetensors", tensors, {**about, **wrong})
        with pytest.raises(ravine.RavineError, match=r"wrong\.safetensors"):
            ravine.load(tmp_path / "wrong.safetensors")
