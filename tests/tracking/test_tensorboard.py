"""TensorBoard reads back what the run's folder holds, after a kill, too; and the training knows nothing of it."""

import math
import os
import resource
import signal
import subprocess
import sys

import numpy as np
import pytest
import torch
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from torch.utils.tensorboard import summary

import ravine
from ravine import data
from ravine.checkpoints import weights_file
from ravine.cli import main
from ravine.errors import UsageError
from ravine.recipe import Recipe
from ravine.tracking import TensorBoard, logged_to
from ravine.tracking.event_file import EventFile
from ravine.tracking.tensorboard import _known

SMALL = {"model": "mlp(hidden=[16])", "epochs": 4, "batch": 32, "quiet": True, "device": "cpu"}


@pytest.fixture(scope="module")
def arrays():
    digits = data.load("digits").splits["train"]
    return digits.take(np.arange(300)), digits.y[:300]


@pytest.fixture(scope="module")
def run(arrays, tmp_path_factory):
    out = tmp_path_factory.mktemp("runs")
    return ravine.train(arrays, out=out, observers=[TensorBoard()], augment="translate(1)", lr=1e-3, **SMALL)


class Stop(ravine.Observer):
    """Leaves the training after an epoch, as if something had failed."""

    def __init__(self, after):
        self.after = after

    def epoch(self, row, times, weights):
        if row["epoch"] == self.after:
            raise KeyboardInterrupt


def told(run):
    return EventAccumulator(str(run.path / "tensorboard")).Reload()


def columns(run):
    return (run.path / "results.csv").read_text().splitlines()[0].split(",")[1:]


def curves(run):
    """Each curve as (step, value)s, and the same from the run's folder as TensorBoard holds it: in single precision."""
    read = told(run)
    times = {row["epoch"]: row for row in run.folder.read_rows("times.jsonl")}
    rows = [{**row, **times[row["epoch"]]} for row in run.metrics]
    shown = {name: [(s.step, s.value) for s in read.Scalars(name)] for name in columns(run)}
    return shown, {name: [(row["epoch"], float(np.float32(row[name]))) for row in rows] for name in columns(run)}


def assert_whole(run):
    shown, kept = curves(run)
    assert shown == kept
    assert {len(curve) for curve in kept.values()} == {SMALL["epochs"]}


def test_every_column_is_a_curve(run):
    assert_whole(run)
    final = {"best/val/accuracy", "last/val/accuracy"}
    assert set(told(run).Tags()["scalars"]) == {*columns(run), *final}
    assert run.metrics[0].keys() - {"epoch"} <= set(columns(run))
    for name in final:
        which = name.partition("/")[0]
        (point,) = told(run).Scalars(name)
        assert (point.step, point.value) == (4, pytest.approx(run.summary[which]["val"]["accuracy"], rel=1e-6))


def test_histograms_are_of_the_weights(run):
    read = told(run)
    last, _ = weights_file.read(run.path / "weights" / "last.safetensors")
    matrices = {f"weights/{name}": tensor for name, tensor in last.items() if tensor.dim() > 1}
    assert set(read.Tags()["histograms"]) == matrices.keys()
    for name, tensor in matrices.items():
        shown = read.Histograms(name)
        assert [one.step for one in shown] == [4]  # EventAccumulator keeps the newest alone
        last = shown[-1].histogram_value
        assert (last.min, last.max, last.num) == (tensor.min(), tensor.max(), tensor.numel())
        assert sum(last.bucket) == tensor.numel()
        assert last.sum == pytest.approx(float(tensor.double().sum()), abs=1e-4)


def test_a_large_layer_is_sampled_evenly():
    from ravine.tracking.tensorboard import _some_of

    values = _some_of(torch.arange(1_000_000.0).reshape(1000, 1000))
    assert len(values) == 20_000
    assert (values[0], values[-1]) == (0, 999_999)
    assert set(np.diff(values)) == {50, 51}  # 50.0025 on average


def test_pictures_recipe_and_settings(run):
    read = told(run)
    (sheet,) = read.Images("augmentation")
    assert sheet.step == 0
    assert (sheet.width, sheet.height) == _size(run.path / "augmentation.png")
    wrong = sum(1 for tag in read.Tags()["images"] if tag.startswith("mistakes/"))
    n, accuracy = run.summary["best"]["val"]["n"], run.summary["best"]["val"]["accuracy"]
    assert wrong == min(24, round(n * (1 - accuracy)))
    (text,) = read.Tensors("recipe/text_summary")
    lines = text.tensor_proto.string_val[0].decode().splitlines()
    assert "\n".join(line.removeprefix("    ") for line in lines) + "\n" == run.recipe.to_toml()
    settings = _settings(read)
    assert settings["lr"] == 1e-3
    assert settings["clip"] == "inf"  # JSON has no infinity
    assert settings.keys() == {name for name in Recipe.__dataclass_fields__}


def _size(path):
    from PIL import Image

    with Image.open(path) as image:
        return image.size


def _settings(read):
    from tensorboard.plugins.hparams import metadata

    content = read.SummaryMetadata(metadata.SESSION_START_INFO_TAG).plugin_data.content
    values = metadata.parse_session_start_info_plugin_data(content).hparams
    return {name: getattr(value, value.WhichOneof("kind")) for name, value in values.items()}


def test_the_training_knows_nothing_of_it(arrays, run, tmp_path):
    plain = ravine.train(arrays, out=tmp_path, augment="translate(1)", lr=1e-3, **SMALL)
    for name in ("metrics.jsonl", "weights/best.safetensors", "weights/last.safetensors", "predictions.csv"):
        assert (plain.path / name).read_bytes() == (run.path / name).read_bytes(), name
    assert logged_to(plain.path) == "none"
    assert logged_to(run.path) == "tensorboard"


def test_nobodys_generator_moves(arrays, tmp_path):
    torch.manual_seed(5)
    np.random.seed(5)  # noqa: NPY002
    before = torch.random.get_rng_state(), np.random.get_state()[1].copy()  # noqa: NPY002
    ravine.train(arrays, out=tmp_path, observers=[TensorBoard()], **SMALL)
    assert torch.equal(before[0], torch.random.get_rng_state())
    assert np.array_equal(before[1], np.random.get_state()[1])  # noqa: NPY002


# A run that was left after some epoch is taken up at its last checkpoint, which is older than what was shown


@pytest.mark.parametrize("often", [True, False])
def test_taken_up_after_a_failure(arrays, tmp_path, monkeypatch, often):
    monkeypatch.setattr("ravine.runs.saving.COST_SHARE", float("inf") if often else 0.0)
    with pytest.raises(KeyboardInterrupt):
        ravine.train(arrays, out=tmp_path, observers=[TensorBoard(), Stop(3)], **SMALL)
    taken_back = told(ravine.Run(next(tmp_path.iterdir())))
    assert [s.step for s in taken_back.Scalars("train/loss")] == [1, 2, 3]
    run = ravine.train(arrays, out=tmp_path, observers=[TensorBoard()], **SMALL)
    assert_whole(run)
    assert len(list((run.path / "tensorboard").iterdir())) == 2
    assert len(told(run).Tensors("recipe/text_summary")) == 1


KILLED = """
import os, signal, sys
import numpy as np
import ravine
from ravine.tracking import TensorBoard

assert "tensorboard" not in sys.modules  # only who asks for it waits for it

class Kill(ravine.Observer):
    def epoch(self, row, times, weights):
        if row["epoch"] == 3:
            os.kill(os.getpid(), signal.SIGKILL)

settings = {"model": "mlp(hidden=[16])", "epochs": 4, "batch": 32, "quiet": True, "device": "cpu"}
ravine.train("some.npz", out=".", name="run", observers=[TensorBoard(), Kill()], cache="cache", **settings)
"""


def test_killed_and_resumed_by_command(arrays, tmp_path, monkeypatch, capsys):
    """`ravine resume` goes on with the curves that a run has, unasked; no epoch before the kill is lost."""
    monkeypatch.chdir(tmp_path)
    np.savez("some.npz", x=arrays[0], y=arrays[1])
    done = subprocess.run([sys.executable, "-c", KILLED], check=False, env={**os.environ, "OMP_NUM_THREADS": "1"})
    assert done.returncode == -signal.SIGKILL
    assert [s.step for s in told(ravine.Run("run")).Scalars("val/accuracy")] == [1, 2, 3]
    assert main(["resume", "run", "--device", "cpu", "--cache", "cache", "--quiet"]) == 0, capsys.readouterr().err
    assert_whole(ravine.Run("run"))
    assert len(list((tmp_path / "run" / "tensorboard").iterdir())) == 2


def test_epochs_without_it_get_their_curves(arrays, tmp_path, monkeypatch):
    """Begun without it, gone on with it, then without, and with it at last."""
    monkeypatch.setattr("ravine.runs.saving.COST_SHARE", float("inf"))
    for after, observers in ((2, []), (3, [TensorBoard()]), (4, [])):
        with pytest.raises(KeyboardInterrupt):
            ravine.train(arrays, out=tmp_path, observers=[*observers, Stop(after)], **SMALL)
    run = ravine.train(arrays, out=tmp_path, observers=[TensorBoard()], **SMALL)
    assert_whole(run)


def test_what_a_kill_took_back_is_no_warning(tmp_path, caplog):
    for purge in (0, 2):
        file = EventFile(tmp_path / "tensorboard", purge_step=purge)
        for step in (1, 2, 3)[max(0, purge - 1) :]:
            file.add(summary.scalar("compute", float(step)), step)
        file.flush()
    EventAccumulator(str(tmp_path / "tensorboard")).Reload()
    assert "urging" in caplog.text  # what tensorboard itself says of it
    caplog.clear()
    assert _known(tmp_path / "tensorboard", [{"compute": float(step)} for step in (1, 2, 3)]) == 3
    assert caplog.text == ""


def test_a_record_that_was_cut_short(arrays, tmp_path, monkeypatch):
    monkeypatch.setattr("ravine.runs.saving.COST_SHARE", float("inf"))
    with pytest.raises(KeyboardInterrupt):
        ravine.train(arrays, out=tmp_path, observers=[TensorBoard(), Stop(3)], **SMALL)
    (file,) = next(tmp_path.iterdir()).glob("tensorboard/*")
    file.write_bytes(file.read_bytes()[:-1000])
    assert_whole(ravine.train(arrays, out=tmp_path, observers=[TensorBoard()], **SMALL))


def test_files_are_read_in_order_though_the_clock_goes_back(arrays, tmp_path, monkeypatch):
    with pytest.raises(KeyboardInterrupt):
        ravine.train(arrays, out=tmp_path, observers=[TensorBoard(), Stop(3)], **SMALL)
    monkeypatch.setattr("time.time", lambda: 1000.0)
    run = ravine.train(arrays, out=tmp_path, observers=[TensorBoard()], **SMALL)
    monkeypatch.undo()
    assert_whole(run)


def test_members_have_curves_of_their_own(arrays, tmp_path):
    run = ravine.train(arrays, out=tmp_path, observers=[TensorBoard()], members=2, **SMALL)
    assert_whole(run)
    tags = told(run).Tags()
    assert {"vote/val/accuracy", "member00/val/loss", "member01/val/loss"} <= set(tags["scalars"])
    assert {tag.split("/")[1] for tag in tags["histograms"]} == {"member00", "member01"}


def test_what_is_no_number_is_shown_as_such(arrays, tmp_path, monkeypatch):
    """A member that is lost has no losses: null in metrics.jsonl, NaN in TensorBoard, told of it late here."""
    monkeypatch.setattr("ravine.runs.saving.COST_SHARE", float("inf"))
    sweep = {**SMALL, "sweep": "lr=[0.01, 1e38]", "epochs": 2, "optimizer": "sgd"}
    with pytest.raises(KeyboardInterrupt):
        ravine.train(arrays, out=tmp_path, observers=[Stop(2)], **sweep)
    run = ravine.train(arrays, out=tmp_path, observers=[TensorBoard()], **sweep)
    lost = [name for name, value in run.metrics[0].items() if value is None]
    assert lost
    for name in lost:
        assert all(math.isnan(point.value) for point in told(run).Scalars(name))


def test_each_fold_has_its_curves(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    flags = ["--model", "mlp(hidden=[4])", "--epochs", "1", "-k", "2", "--quiet", "--log", "tensorboard"]
    assert main(["kfold", "digits", *flags]) == 0, capsys.readouterr().err
    for i in range(2):
        fold = ravine.Run(tmp_path / "runs" / "digits-kfold" / f"fold{i}")
        (point,) = told(fold).Scalars("train/loss")
        assert (point.step, point.value) == (1, np.float32(fold.metrics[0]["train/loss"]))


def test_finetune_and_distill_take_it(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    flags = ["--epochs", "1", "--quiet", "--log", "tensorboard"]
    assert main(["train", "digits", "--model", "mlp(hidden=[4])", *flags]) == 0, capsys.readouterr().err
    assert "tensorboard --logdir runs\n" in capsys.readouterr().out
    assert main(["finetune", "runs/digits", "digits", *flags]) == 0, capsys.readouterr().err
    assert main(["distill", "runs/digits", "--into", "mlp(hidden=[4])", *flags]) == 0, capsys.readouterr().err
    for name in ("digits", "digits-finetuned", "digits-distilled"):
        assert len(told(ravine.Run(f"runs/{name}")).Scalars("train/loss")) == 1


def test_a_missing_package_is_refused_before_data_is_read(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    for name in [name for name in sys.modules if name.startswith(("tensorboard", "torch.utils.tensorboard"))]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "tensorboard", None)
    with pytest.raises(UsageError, match=r"needs the package tensorboard .* pip install .ravine\[tensorboard\]"):
        TensorBoard()
    commands = (["train", "no-such-data"], ["kfold", "no"], ["finetune", "no", "no"], ["distill", "no"])
    for command in commands:
        assert main([*command, "--log", "tensorboard"]) == 2
        said = capsys.readouterr().err
        assert said.startswith("error: --log tensorboard: needs the package tensorboard")
        assert said.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


def test_unknown_trackers_are_refused(capsys):
    assert main(["train", "digits", "--log", "wandb"]) == 2
    assert "'none', 'tensorboard'" in capsys.readouterr().err
    assert main(["transfers", "no", "no", "--log", "tensorboard"]) == 2
    assert "--log tensorboard" in capsys.readouterr().err


def test_where_nothing_can_be_written(arrays, tmp_path, capsys):
    class InTheWay(ravine.Observer):
        def begin(self, run):
            (run.path / "tensorboard").write_text("")

    run = ravine.train(arrays, out=tmp_path, observers=[InTheWay(), TensorBoard()], **SMALL)
    assert run.folder.finished
    said = capsys.readouterr().err
    assert said.count("no TensorBoard, and the training goes on") == said.count("tensorboard: cannot be written") == 1


class Limit(ravine.Observer):
    """At an epoch, or at all but it, files may grow to this size and no further."""

    def __init__(self, size, hard, at=lambda epoch: True):
        self.size, self.hard, self.at = size, hard, at

    def epoch(self, row, times, weights):
        if self.at(row["epoch"]):
            resource.setrlimit(resource.RLIMIT_FSIZE, (self.size(), self.hard))


def test_a_full_disk_ends_the_curves_and_not_the_training(arrays, tmp_path, capsys):
    """A record that was cut short ends them; a run that is taken up has them whole."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    place = tmp_path / "run"
    full = Limit(lambda: next(place.glob("tensorboard/*")).stat().st_size + 100, hard, at=lambda epoch: epoch == 2)
    room = Limit(lambda: soft, hard)
    observers = [full, TensorBoard(), room, Stop(3)]
    try:
        with pytest.raises(KeyboardInterrupt):
            ravine.train(arrays, out=tmp_path, name="run", observers=observers, **SMALL)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert capsys.readouterr().err.count("File too large") == 1
    assert len(told(ravine.Run(place)).Scalars("val/accuracy")) <= 2
    assert_whole(ravine.train(arrays, out=tmp_path, name="run", observers=[TensorBoard()], **SMALL))
