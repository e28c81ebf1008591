"""The commands as a person uses them: on a folder of real files, with results on stdout and all else on stderr."""

import csv
import io
import json
import shutil

import numpy as np
import pytest
from calling import called
from PIL import Image

from ravine.checkpoints import weights_file
from ravine.checkpoints.run_folder import RunFolder
from ravine.cli import COMMANDS, main

COLOURS = {"red": (200, 40, 40), "green": (40, 200, 40), "blue": (40, 40, 200)}
TRAIN = ["--model", "convnet(width=8)", "--epochs", "6", "--batch", "8", "--lr", "0.005"]


def paint(folder, n, seed):
    """n noisy 16 x 16 images of each colour."""
    rng = np.random.default_rng(seed)
    for name, colour in COLOURS.items():
        (folder / name).mkdir(parents=True)
        for i in range(n):
            pixels = np.clip(rng.normal(colour, 40, (16, 16, 3)), 0, 255).astype(np.uint8)
            Image.fromarray(pixels).save(folder / name / f"{i}.png")


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    place = tmp_path_factory.mktemp("place")
    paint(place / "photos" / "train", 12, seed=0)
    paint(place / "photos" / "test", 4, seed=1)
    assert (
        main(["train", str(place / "photos"), *TRAIN, "--out", str(place / "runs"), "--cache", str(place / "c")]) == 0
    )
    return place


@pytest.fixture(autouse=True)
def _own_cache(place, monkeypatch):
    monkeypatch.setenv("RAVINE_CACHE", str(place / "c"))


def one_line(err):
    lines = [line for line in err.splitlines() if line.startswith("error")]
    assert len(lines) == 1, err
    assert "Traceback" not in err
    return lines[0]


def test_training_prints_results_to_stdout_and_progress_to_stderr(place, capsys):
    code, out, err = called(capsys, "train", place / "photos", *TRAIN, "--out", place / "runs", "--fresh")
    assert code == 0
    assert "best.safetensors" in out
    assert "test (n = 12)" in out
    assert "ravine predict" in out
    assert err.count("epoch") >= 6
    assert "epoch" not in out.splitlines()[-1]
    assert (place / "runs" / "photos-2" / "weights" / "last.safetensors").exists()


def test_the_same_command_again_says_that_it_has_finished(place, capsys):
    before = (place / "runs" / "photos" / "summary.json").read_bytes()
    code, out, err = called(capsys, "train", place / "photos", *TRAIN, "--out", place / "runs")
    assert code == 0
    assert "has finished" in err
    assert "best.safetensors" in out
    assert (place / "runs" / "photos" / "summary.json").read_bytes() == before


@pytest.mark.parametrize(("epoch", "said"), [(1, True), (5, False)])
def test_a_best_epoch_that_may_be_luck_is_said_to_be(place, tmp_path, capsys, epoch, said):
    shutil.copytree(place / "runs" / "photos", tmp_path / "runs" / "photos")
    path = tmp_path / "runs" / "photos" / "summary.json"
    summary = json.loads(path.read_text())
    path.write_text(json.dumps({**summary, "best_epoch": epoch, "best": summary["last"]}))
    code, out, _ = called(capsys, "train", place / "photos", *TRAIN, "--out", tmp_path / "runs")
    n = summary["last"]["val"]["n"]
    assert (code, f"Best is epoch 1 of 6, chosen on {n} validation images" in out) == (0, said)


def test_json_is_one_object_and_nothing_else(place, capsys):
    images, run = place / "photos" / "test", place / "runs" / "photos"
    for arguments in (
        ["train", place / "photos", *TRAIN, "--out", place / "runs", "--json"],
        ["evaluate", run, place / "photos", "--json"],
        ["predict", run, images / "red" / "0.png", "--json"],
        ["check", place / "photos", "--json"],
        ["info", run, "--json"],
        ["info", run / "weights" / "best.safetensors", "--json"],
    ):
        code, out, _ = called(capsys, *arguments)
        assert code == 0
        parsed = json.loads(out)
        assert isinstance(parsed, dict)
        if arguments[0] in ("train", "evaluate"):
            assert 0 <= parsed["accuracy"] <= 1


def test_evaluate_scores_the_test_split_and_says_so(place, capsys):
    code, out, err = called(capsys, "evaluate", place / "runs" / "photos", place / "photos")
    assert code == 0
    assert "the test split (12 images)" in err
    assert "95% interval" in out
    for word in ("balanced accuracy", "calibration error", "recall", "true \\ predicted"):
        assert word in out


def test_best_weights_alone_predict_in_a_place_of_their_own(place, tmp_path, capsys):
    alone = tmp_path / "model.safetensors"
    shutil.copy(place / "runs" / "photos" / "weights" / "best.safetensors", alone)
    code, out, _ = called(capsys, "predict", alone, place / "photos" / "test", "--json", "--top", "3")
    assert code == 0
    rows = json.loads(out)["predictions"]
    assert len(rows) == 12
    right = sum(row["class"] == row["path"].split("/")[-2] for row in rows)
    assert right >= 11
    assert all(abs(sum(row["top"].values()) - 1) < 1e-5 for row in rows)


def test_csv_has_a_line_per_image_and_class(place, capsys):
    arguments = ["predict", place / "runs" / "photos", place / "photos" / "test" / "red", "--csv", "--top", "2"]
    code, out, _ = called(capsys, *arguments)
    rows = list(csv.DictReader(io.StringIO(out)))
    assert code == 0
    assert len(rows) == 8
    assert [row["rank"] for row in rows[:2]] == ["1", "2"]


def test_a_damaged_image_is_named_and_the_others_are_predicted(place, tmp_path, capsys):
    good, bad = place / "photos" / "test" / "red" / "0.png", tmp_path / "bad.png"
    bad.write_bytes(good.read_bytes()[:60])
    code, out, err = called(capsys, "predict", place / "runs" / "photos", bad, good)
    assert code == 3
    assert "bad.png: unreadable" in one_line(err)
    assert "red" in out


def test_damaged_images_are_listed_left_out_and_counted(place, tmp_path, capsys):
    shutil.copytree(place / "photos" / "train", tmp_path / "photos")
    (tmp_path / "photos" / "red" / "0.png").write_bytes(b"not an image")
    arguments = ["train", tmp_path / "photos", *TRAIN, "--out", tmp_path / "runs"]
    code, _, err = called(capsys, *arguments)
    assert code == 3
    assert "0.png" in one_line(err)
    code, _, err = called(capsys, *arguments, "--max-bad", "0.1")
    assert code == 0
    assert "0.png" in err
    kept = json.loads((tmp_path / "runs" / "photos" / "data.json").read_text())
    assert [name for name, _ in kept["unreadable"]] == ["red/0.png"]


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["trian"], 2, "Did you mean 'train'"),
        (["train"], 2, "DATA"),
        (["train", "missing"], 3, "missing"),
        (["train", "."], 3, "neither images nor class folders"),
        (["train", "digits", "--epochz", "3"], 2, "Did you mean '--epochs'"),
        (["train", "digits", "--epochs", "many"], 2, "--epochs"),
        (["train", "digits", "--epochs", "0"], 2, "--epochs"),
        (["train", "digits", "--epochs", "1.5"], 2, "--epochs"),
        (["train", "digits", "--lr", "-1"], 2, "--lr"),
        (["train", "digits", "--lr", "nan"], 2, "--lr"),
        (["train", "digits", "--balance", "lots"], 2, "--balance"),
        (["train", "digits", "--optimizer", "adm"], 2, "Did you mean 'adam'"),
        (["train", "digits", "--optimizer", "adam(beta3=1)"], 2, "Did you mean 'beta"),
        (["train", "digits", "--optimizer", "adam(beta1=2)"], 2, "beta1"),
        (["train", "digits", "--optimizer", "__import__('os')"], 2, "--optimizer"),
        (["train", "digits", "--model", "resnet(depth=20)"], 2, "depth"),
        (["train", "digits", "--schedule", "one_cycle(warmup=2)"], 2, "warmup"),
        (["train", "digits", "--device", "cuda:9"], 2, "--device"),
        (["train", "digits", "--val", "0.95"], 2, "--val"),
        (["train", "digits", "--clip", "0"], 2, "--clip"),
        (["resume", "missing"], 3, "not a run folder"),
        (["check", "missing"], 3, "missing"),
        (["predict", "missing", "x.png"], 3, "missing"),
        (["evaluate", "missing", "digits"], 3, "missing"),
        (["info", "missing"], 3, "missing"),
        (["info", "text.txt"], 3, "text.txt"),
        (["predict", "text.txt", "x.png"], 3, "text.txt"),
    ],
)
def test_whatever_is_wrong_gives_one_clear_line(arguments, code, words, tmp_path, monkeypatch, capsys):
    place = tmp_path / "empty"
    place.mkdir()
    monkeypatch.chdir(place)
    if "text.txt" in arguments:
        (place / "text.txt").write_text("hello")
    got, out, err = called(capsys, *arguments)
    assert got == code, err
    assert words in one_line(err)
    assert out == ""
    assert not (place / "runs").exists() or not list((place / "runs").glob("*/checkpoints")), (
        "nothing half-made is left"
    )


def test_images_of_another_network_are_refused_by_class_name(place, tmp_path, capsys):
    paint(tmp_path / "other", 3, seed=2)
    (tmp_path / "other" / "red").rename(tmp_path / "other" / "crimson")
    code, _, err = called(capsys, "evaluate", place / "runs" / "photos", tmp_path / "other")
    assert code == 3
    assert "crimson" in one_line(err)


def test_classes_are_matched_by_name_and_not_by_position(place, tmp_path, capsys):
    shutil.copytree(place / "photos" / "test", tmp_path / "some")
    shutil.rmtree(tmp_path / "some" / "blue")  # green and red are now classes 0 and 1
    code, out, _ = called(capsys, "evaluate", place / "runs" / "photos", tmp_path / "some", "--json")
    assert code == 0
    scored = json.loads(out)
    assert scored["accuracy"] >= 0.8
    assert scored["recall"]["blue"] is None


def test_a_run_in_use_is_refused(place, tmp_path, capsys):
    shutil.copytree(place / "runs" / "photos", tmp_path / "runs" / "photos")
    folder = RunFolder(tmp_path / "runs" / "photos")
    folder.summary.unlink()
    with folder.lock():
        code, _, err = called(capsys, "train", place / "photos", *TRAIN, "--out", tmp_path / "runs")
    assert code == 6
    assert "photos" in one_line(err)


def test_changed_data_is_not_resumed(place, tmp_path, capsys):
    shutil.copytree(place / "photos" / "train", tmp_path / "photos")
    arguments = ["train", tmp_path / "photos", *TRAIN, "--out", tmp_path / "runs"]
    assert called(capsys, *arguments)[0] == 0
    (tmp_path / "runs" / "photos" / "summary.json").unlink()
    Image.new("RGB", (16, 16), "red").save(tmp_path / "photos" / "red" / "new.png")
    code, _, err = called(capsys, *arguments)
    assert code == 3
    assert "changed" in one_line(err)


def test_a_loss_that_is_not_finite_ends_with_7_and_keeps_the_finite_weights(tmp_path, capsys):
    x = np.full((40, 4), 1e30, np.float32) * np.linspace(-1, 1, 40, dtype=np.float32)[:, None]
    np.savez(tmp_path / "huge.npz", x=x, y=np.arange(40) % 2)
    arguments = ["train", tmp_path / "huge.npz", "--out", tmp_path / "runs", "--optimizer", "sgd", "--lr", "1e38"]
    code, _, err = called(capsys, *arguments, "--model", "mlp(hidden=[])", "--epochs", "50", "--schedule", "constant")
    assert code == 7
    assert "not applied" in one_line(err)
    tensors, _ = weights_file.read(tmp_path / "runs" / "huge" / "weights" / "last.safetensors")
    assert all(tensor.isfinite().all() for tensor in tensors.values())


@pytest.mark.parametrize("command", COMMANDS)
def test_help_starts_with_examples(command, capsys):
    with pytest.raises(SystemExit) as ended:
        main([command, "--help"])
    out = capsys.readouterr().out
    assert ended.value.code == 0
    assert out.index("Examples:") < out.index("options")
    assert out.count(f"ravine {command}") >= 3
