"""`report_of` on runs of every kind: photos, features, few and many classes, sweeps, snapshots, folders of many."""

import io
import os

import numpy as np
import pytest
from PIL import Image
from report_runs import photos, rows_of, trained

import ravine
from ravine.checkpoints.run_folder import RunFolder
from ravine.data import findings
from ravine.errors import UsageError
from ravine.report import read_predictions, report_of
from ravine.runs.watching import facts_of


def test_photos_are_small_and_hostile_names_survive(tmp_path):
    raw = os.fsdecode(b'caf\xe9,"x"')
    classes = [raw, "=1+1 <b>", "plain"]
    place = photos(tmp_path / "photos", classes, images=8, side=(100, 150))
    run = trained(tmp_path / "runs", place, size=112, augment="flip, jitter(0.5), mixup(0.3)", test=0.2)
    assert {row["true"] for row in rows_of(run)} == set(classes)
    kept = read_predictions(run.folder.predictions, run.best.classes)
    assert {os.fsencode(name).split(b"/")[0] for name in kept.names} == {os.fsencode(name) for name in classes}
    report = report_of(run)
    assert report.classes == tuple(map(findings.shown, run.best.classes))
    for text in (*report.classes, *report.notices, *(one.name for one in report.mistakes.unsure)):
        text.encode()
        assert text.isprintable()
    assert max(Image.open(io.BytesIO(report.mistakes.unsure[0].picture)).size) == 96
    sheet = Image.open(io.BytesIO(report.augmentation))
    assert sheet.format == "PNG"
    assert len(report.augmentation) < 150_000


def test_features_have_no_pictures(tmp_path):
    rng = np.random.default_rng(0)
    y = np.repeat(np.arange(2), 40)
    run = trained(tmp_path, (rng.normal(size=(80, 5)) + y[:, None], y), members=2)
    report = report_of(run)
    assert not run.folder.shown.exists()
    assert not facts_of(run.folder).images
    assert {one.picture for one in report.mistakes.unsure} == {None}
    assert report.judged.confusion.shape == (2, 2)
    assert report.augmentation is None


def test_a_class_without_validation_images_has_no_recall(tmp_path):
    rng = np.random.default_rng(0)
    y = np.repeat(np.arange(3), 30)
    x = (rng.normal(size=(90, 5)) + y[:, None]).astype(np.float32)
    run = trained(tmp_path, {"x": x, "y": y, "x_val": x[:40], "y_val": y[:40]})
    report = report_of(run)
    assert np.isnan(report.judged.recall[2])
    assert report.judged.counts.tolist() == [30, 10, 0]
    assert any("2" in text for _, text in report.findings)
    assert "val" in report.verdict[0]
    assert "flatters" in report.verdict[0]


def test_a_hundred_classes(tmp_path):
    rng = np.random.default_rng(0)
    y = np.tile(np.arange(100), 8)
    run = trained(tmp_path, (rng.normal(size=(800, 5)) + y[:, None] / 10, y), epochs=1)
    report = report_of(run)
    assert report.judged.confusion.shape == (100, 100)
    assert len(report.classes) == 100
    assert "It is right" in report.mistakes.why


def test_a_sweep_predicts_with_its_winner(tmp_path):
    run = trained(tmp_path, members=2, sweep="lr=[1e-4, 1e-2]")
    winner = run.summary["sweep"]["values"][run.summary["sweep"]["winner"]]
    right = np.mean([row["true"] == row["predicted"] for row in rows_of(run)])
    assert right == pytest.approx(winner["accuracy"])
    report, chosen = report_of(run), run.summary["sweep"]["winner"]
    assert report.best_epochs == (run.summary["best_epoch"],)
    assert report.voters == (chosen,)
    assert report.winner == f"lr={[1e-4, 1e-2][chosen]:g}"
    assert report.winner in report.verdict[0]


def test_a_sweep_that_is_not_done_has_chosen_nothing(tmp_path):
    def stop(row):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        trained(tmp_path, members=2, sweep="lr=[1e-4, 1e-2]", observers=[stop])
    report = report_of(ravine.Run(tmp_path / "digits"))
    assert report.voters == report.best_epochs == report.accuracies == ()
    assert report.verdict[0].startswith("After 1 of 2 epochs no value of the sweep lr=[0.0001, 0.01] is chosen yet")


def test_patience_and_snapshots(tmp_path):
    run = trained(tmp_path, model="mlp", lr=0.1, epochs=40, patience=2)
    report = report_of(run)
    assert report.epoch == len(report.rows) < report.epochs == 40
    assert report.ended == "patience 2"
    # the last weights are scored on their own unless they are the best
    assert run.summary["best_epoch"] == report.epoch - 2
    assert run.summary["last"]["val"]["accuracy"] == report.rows[-1]["val/accuracy"]
    assert run.summary["best"]["val"]["accuracy"] == report.rows[-3]["val/accuracy"]
    assert run.summary["last"] != run.summary["best"]
    kept = trained(tmp_path, name="snapshots", epochs=4, snapshots=2)
    assert report_of(kept).judged.split == "val"


def test_many_trainings_in_one_folder_are_refused(tmp_path):
    for name, request in (("folds", {"kfold": 3}), ("many", {"transfers": {}})):
        folder = RunFolder(tmp_path / name)
        folder.path.mkdir()
        folder.write_json("request.json", {"data": "digits", "recipe": "", **request})
        with pytest.raises(UsageError) as error:
            report_of(ravine.Run(folder.path))
        assert "\n" not in str(error.value)
    assert "fold0" in _refused(tmp_path / "folds")


def _refused(path):
    with pytest.raises(UsageError) as error:
        report_of(ravine.Run(path))
    return str(error.value)
