import math
from concurrent.futures import ThreadPoolExecutor

import pytest

from ravine.checkpoints.run_folder import RunFolder, find
from ravine.errors import DataError, RunInUseError, SaveError

REQUEST = {"data": "photos", "epochs": 5, "sizes": (32, 32), "lr": 0.1}


def finish(folder):
    folder.write_json("summary.json", {"finished": True, "best": math.nan})
    for weights in (folder.best_weights, folder.last_weights):
        weights.parent.mkdir(exist_ok=True)
        weights.touch()


def test_layout_is_that_of_the_plan(tmp_path):
    folder = RunFolder(tmp_path)
    names = {path.relative_to(tmp_path).as_posix() for path in vars(folder).values() if path != tmp_path}
    assert names == {
        *(
            "request.json",
            "recipe.toml",
            "environment.json",
            "data.json",
            "metrics.jsonl",
            "times.jsonl",
            "results.csv",
        ),
        *("summary.json", "log.txt", "weights/best.safetensors", "weights/last.safetensors", "checkpoints"),
        *("weights/raw.safetensors", "weights/snapshots.safetensors", "weights/pretrained.safetensors", "path"),
        *("predictions.csv", "shown.npz", "augmentation.png", "report.html"),
    }


def test_the_same_request_resumes_and_says_when_it_has_finished(tmp_path):
    folder, verdict = find(tmp_path / "runs", "photos", REQUEST, fresh=False)
    assert (folder.path.name, verdict, folder.finished) == ("photos", "new", False)
    assert folder.read_json("request.json") == REQUEST | {"sizes": [32, 32]}
    again, verdict = find(tmp_path / "runs", "photos", REQUEST, fresh=False)
    assert (again.path, verdict) == (folder.path, "resume")
    folder.write_json("summary.json", {"finished": False})
    assert find(tmp_path / "runs", "photos", REQUEST, fresh=False)[1] == "resume"
    finish(folder)
    again, verdict = find(tmp_path / "runs", "photos", REQUEST, fresh=False)
    assert (again.path, verdict, again.finished) == (folder.path, "finished", True)
    assert again.read_json("summary.json")["best"] is None


def test_fresh_and_other_requests_get_the_next_number_and_the_newest_match_is_taken(tmp_path):
    first = find(tmp_path, "photos", REQUEST, fresh=False)[0]
    finish(first)
    second, verdict = find(tmp_path, "photos", REQUEST, fresh=True)
    assert (second.path.name, verdict) == ("photos-2", "new")
    third, verdict = find(tmp_path, "photos", REQUEST | {"epochs": 6}, fresh=False)
    assert (third.path.name, verdict) == ("photos-3", "new")
    assert find(tmp_path, "photos", REQUEST, fresh=False)[0].path == second.path
    assert find(tmp_path, "photos", REQUEST, fresh=False)[1] == "resume"
    assert find(tmp_path, "photos", REQUEST | {"epochs": 6}, fresh=False)[0].path == third.path


def test_numbers_follow_the_highest_and_foreign_entries_are_not_touched(tmp_path):
    for name in ("photos", "photos-9", "photos-1", "photos-x", "photosphere", "photos-12345678901234"):
        (tmp_path / name).mkdir()
    (tmp_path / "photos-10").write_text("a file")
    assert find(tmp_path, "photos", REQUEST, fresh=False)[0].path.name == "photos-11"
    assert find(tmp_path, "photos", REQUEST, fresh=False)[1] == "resume"
    assert list((tmp_path / "photos").iterdir()) == []


def test_processes_that_start_at_once_never_share_a_folder(tmp_path):
    with ThreadPoolExecutor(8) as pool:
        folders = list(pool.map(lambda _: find(tmp_path / "runs", "photos", REQUEST, fresh=True)[0], range(24)))
    assert len({folder.path for folder in folders}) == 24


@pytest.mark.parametrize(
    ("name", "folder_name"),
    [
        ("photos of cats/", "photos-of-cats"),
        ("../../etc", "etc"),
        ("..", "run"),
        ("", "run"),
        (".hidden", "hidden"),
        ("Käse_1.5", "Käse_1.5"),
        ("猫 と 犬", "猫-と-犬"),
        ("bad\udc80byte\n\0", "bad-byte"),
        ("a" * 300, "a" * 60),
    ],
)
def test_any_name_becomes_a_folder_name(tmp_path, name, folder_name):
    folder, _ = find(tmp_path, name, REQUEST, fresh=False)
    assert folder.path == tmp_path / folder_name
    assert find(tmp_path, name, REQUEST, fresh=False)[1] == "resume"


def test_places_that_cannot_be_written_are_one_line(tmp_path):
    (tmp_path / "file").write_text("")
    for runs in (tmp_path / "file", tmp_path / "file" / "runs"):
        with pytest.raises(SaveError, match="cannot be written"):
            find(runs, "photos", REQUEST, fresh=False)


def test_a_damaged_request_is_not_taken_for_another_one(tmp_path):
    folder, _ = find(tmp_path, "photos", REQUEST, fresh=False)
    folder.request.write_text('{"data": ')
    with pytest.raises(DataError, match="request.json: cannot be read"):
        find(tmp_path, "photos", REQUEST, fresh=False)


def test_rows_are_appended_and_rewritten_with_equal_bytes(tmp_path):
    folder = RunFolder(tmp_path)
    rows = [{"epoch": 1, "loss": 1 / 3}, {"epoch": 2, "loss": math.nan}]
    for row in rows:
        folder.append_metrics(row)
    expected = b'{"epoch": 1, "loss": 0.3333333333333333}\n{"epoch": 2, "loss": null}\n'
    assert folder.metrics.read_bytes() == expected
    folder.append_metrics({"epoch": 3, "loss": 0.5})
    with folder.metrics.open("ab") as file:
        file.write(b'{"epoch": 4, "lo')  # killed here
    folder.rewrite_metrics(row for row in folder.read_rows("metrics.jsonl") if row["epoch"] <= 2)
    assert folder.metrics.read_bytes() == expected
    folder.rewrite_times([{"epoch": 1, "seconds": 2.5}])
    folder.append_times({"epoch": 2, "seconds": 3.5})
    folder.write_results_csv(folder.read_rows("metrics.jsonl"), folder.read_rows("times.jsonl"))
    assert folder.results.read_text() == "epoch,loss,seconds\n1,0.3333333333333333,2.5\n2,,3.5\n"


def test_texts_with_any_file_name_can_be_written(tmp_path):
    folder = RunFolder(tmp_path)
    folder.write_text("log.txt", "Käse bad\udc80byte\n")
    folder.write_json("data.json", {"bad\udc80byte": "Käse"})
    assert folder.log.read_bytes() == "Käse bad".encode() + b"\x80byte\n"
    assert folder.read_json("data.json") == {"bad\udc80byte": "Käse"}


def test_a_refused_write_is_a_save_error(tmp_path):
    folder = RunFolder(tmp_path / "gone")
    for write in (lambda: folder.append_metrics({}), lambda: folder.write_json("summary.json", {})):
        with pytest.raises(SaveError, match="No such file or directory"):
            write()


def test_lock(tmp_path):
    folder = RunFolder(tmp_path)
    with folder.lock(), pytest.raises(RunInUseError, match="training in this run folder"), RunFolder(tmp_path).lock():
        pass
