"""What `report_of` reads from real run folders of all kinds, at all moments."""

import io
import json
import shutil

import numpy as np
import pytest
from PIL import Image
from report_runs import rows_of, trained

import ravine
from ravine.errors import UsageError
from ravine.report import Predictions, read_predictions, report_of


@pytest.fixture(scope="module")
def digits(tmp_path_factory):
    return trained(tmp_path_factory.mktemp("digits"), test=0.2)


@pytest.fixture(scope="module")
def three(tmp_path_factory):
    return trained(tmp_path_factory.mktemp("three"), members=3, test=0.2)


def copied(run, tmp_path):
    return ravine.Run(shutil.copytree(run.path, tmp_path / "copy"))


@pytest.mark.parametrize("which", ["digits", "three"])
def test_the_csv_says_what_the_score_says(which, request):
    run = request.getfixturevalue(which)
    kept = read_predictions(run.folder.predictions, run.best.classes)
    for split, score in run.summary["best"].items():
        rows = kept.rows_of(split)
        confusion = np.zeros((10, 10), np.int64)
        np.add.at(confusion, (kept.true[rows], kept.predicted[rows]), 1)
        assert confusion.tolist() == score["confusion"]
    report = report_of(run)
    bins = report.judged.reliability
    assert bins.count.sum() == run.summary["best"]["test"]["n"] == len(kept.rows_of("test"))
    assert bins.ece == pytest.approx(report.judged.ece, abs=1e-9)
    assert report.judged.confusion.tolist() == run.summary["best"]["test"]["confusion"]


def test_the_csv_says_what_the_weights_say(digits):
    kept = read_predictions(digits.folder.predictions, digits.best.classes)
    x = ravine.data.load("digits").splits["train"]
    places = [int(name.removeprefix("x[").removesuffix("]")) for name in kept.names]
    p = digits.best.probabilities(x.take(np.array(places)))
    assert (x.y[places] == kept.true).all()
    assert np.allclose(p[np.arange(len(p)), kept.predicted], kept.confidence, atol=1e-5)
    assert np.allclose(p[np.arange(len(p)), kept.true], kept.true_probability, atol=1e-5)


def test_csv_and_back_are_equal(digits):
    kept = read_predictions(digits.folder.predictions, digits.best.classes)
    text = kept.to_csv(digits.best.classes)
    assert text.encode() == digits.folder.predictions.read_bytes()
    assert [row["name"] for row in rows_of(digits)] == list(kept.names)


@pytest.mark.parametrize("name", ["a\rb", "\r", "a\r\nb", "a\nb", '"', ",", " a ", "'", "\udcff", "\x1a", "\u2028", ""])
def test_any_name_survives_the_csv(tmp_path, name):
    """A bare carriage return ends a line for csv unless it is quoted."""
    classes = (name, "other")
    zero, p = np.array([0, 1]), np.array([0.75, 0.5], np.float32)
    kept = Predictions(np.array(["val", "test"]), [f"{name}/1.png", "x"], zero, zero[::-1], p, 1 - p)
    file = tmp_path / "predictions.csv"
    file.write_bytes(kept.to_csv(classes).encode("utf-8", "surrogateescape"))
    back = read_predictions(file, classes)
    assert list(back.names) == kept.names
    for column in ("split", "true", "predicted", "confidence", "true_probability"):
        assert np.array_equal(getattr(back, column), getattr(kept, column))


def test_a_finished_run_without_its_weights_has_finished(digits, tmp_path):
    run = copied(digits, tmp_path)
    shutil.rmtree(run.path / "weights")
    report = report_of(run)
    assert report.state == "finished"
    assert "resume" not in " ".join(report.verdict)
    assert report.judged.confusion.tolist() == run.summary["best"]["test"]["confusion"]


def test_a_finished_run(three):
    report = report_of(three)
    assert (report.state, report.epoch, report.epochs, report.members) == ("finished", 2, 2, 3)
    assert [(one.which, one.split) for one in report.accuracies] == [
        *(("best", "val"), ("last", "val"), ("best", "test"), ("last", "test"))
    ]
    assert report.best_epochs == tuple(three.summary["best_epoch"])
    assert report.verdict[0].startswith("The vote of its 3 members recognises")
    assert "359 test images" in report.verdict[0]
    assert {split: sum(of.values()) for split, of in report.counts.items()} == {"train": 1076, "val": 362, "test": 359}
    assert report.seconds.total["saving"] == three.summary["seconds"]["saving"]
    assert set(report.seconds.epochs[0]) == {"data", "compute", "validation", "saving"}
    assert 'model = "mlp' in report.recipe
    assert report.environment["device"] == "cpu"
    assert any(line.startswith("adam lr") for line in report.notices)
    assert not [line for line in report.notices if line.startswith("epoch")]


def test_while_it_trains_and_after_a_kill(tmp_path):
    seen = []

    class Look(ravine.Observer):
        def begin(self, run):
            seen.append(report_of(run))

        def epoch(self, row, times, weights):
            seen.append(report_of(ravine.Run(tmp_path / "runs" / "digits")))
            if row["epoch"] == 2:
                raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        trained(tmp_path / "runs", epochs=3, observers=[Look()])
    first, second, third = seen
    assert (first.state, first.epoch, first.accuracies, first.judged) == ("training", 0, (), None)
    assert first.verdict == ("Nothing is known yet: the first epoch is not done.",)
    assert (second.state, second.epoch, second.epochs) == ("training", 1, 3)
    assert [(one.which, one.split, one.n) for one in second.accuracies] == [("best", "val", 359), ("last", "val", 359)]
    assert second.verdict[0].startswith("After 1 of 3 epochs the network recognises")
    assert third.mistakes is None
    killed = report_of(ravine.Run(tmp_path / "runs" / "digits"))
    assert (killed.state, killed.epoch) == ("stopped", 2)
    assert "ravine resume" in killed.verdict[1]
    best = max(killed.rows, key=lambda row: (row["val/accuracy"], -row["val/loss"]))
    assert killed.best_epochs == (best["epoch"],)
    done = report_of(trained(tmp_path / "runs", epochs=3))
    assert (done.state, done.epoch) == ("finished", 3)


@pytest.mark.parametrize(
    "missing",
    [
        *("predictions.csv", "shown.npz", "data.json", "environment.json", "log.txt", "times.jsonl", "metrics.jsonl"),
        *("recipe.toml", "summary.json"),
    ],
)
@pytest.mark.parametrize("how", ["gone", "garbage"])
def test_a_piece_that_is_missing_or_damaged_is_empty(digits, tmp_path, missing, how):
    run = copied(digits, tmp_path)
    (run.path / missing).unlink()
    if how == "garbage":
        (run.path / missing).write_bytes(b"\xff\x00garbage, \n\x80,\n")
    report = report_of(run)
    assert report.state == ("stopped" if missing == "summary.json" else "finished")
    if missing == "predictions.csv":
        assert report.mistakes is None
        assert report.judged.reliability is None
    if missing == "shown.npz":
        assert not [one for one in report.mistakes.unsure if one.picture]
    said = [line for line in report.notices if missing in line and line.startswith("warning: ")]
    assert len(said) == (how == "garbage" and missing != "log.txt")


def test_old_folders_have_neither_splits_nor_predictions(digits, tmp_path):
    run = copied(digits, tmp_path)
    for name in ("predictions.csv", "shown.npz"):
        (run.path / name).unlink()
    looked = json.loads(run.folder.data.read_text())
    looked.pop("splits")
    run.folder.write_json("data.json", looked)
    report = report_of(run)
    assert report.judged.confusion.sum() == 359
    assert sum(report.counts["train"].values()) == 1797


def test_pictures_are_those_of_the_images(digits):
    report = report_of(digits)
    train = ravine.data.load("digits").splits["train"]
    for one in (*report.mistakes.confident, *report.mistakes.unsure):
        row = int(one.name[2:-1])
        assert np.array_equal(np.asarray(Image.open(io.BytesIO(one.picture))), train.take(np.array([row]))[0, 0])
        assert one.true == str(train.y[row])


def test_the_frame_has_a_row_an_epoch(digits):
    frame = digits.to_frame()
    assert frame.index.tolist() == [1, 2]
    assert frame["val/accuracy"].tolist() == [row["val/accuracy"] for row in digits.metrics]
    assert (frame["compute"] > 0).all()


def test_without_pandas_the_frame_says_what_to_do(digits, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "pandas", None)
    with pytest.raises(UsageError, match="pip install pandas"):
        digits.to_frame()


def test_equal_trainings_leave_equal_files(digits, tmp_path):
    again = trained(tmp_path, name=digits.path.name, test=0.2)
    for name in ("predictions.csv", "shown.npz", "data.json"):
        assert (again.path / name).read_bytes() == (digits.path / name).read_bytes()
