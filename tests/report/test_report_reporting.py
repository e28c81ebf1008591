"""report.html follows its training, and nothing that goes wrong with it stops one."""

import pytest
from report_runs import QUICK, trained

import ravine
from ravine.checkpoints.run_folder import RunFolder
from ravine.errors import SaveError
from ravine.report import report_of, report_page
from ravine.runs import reporting


@pytest.fixture
def written(monkeypatch):
    """What is written, as (state, epoch), without the megabytes; no pause between two writes."""
    told = []

    def page(report):
        told.append((report.state, report.epoch))
        return f"{report.state} {report.epoch}"

    monkeypatch.setattr(report_page, "report_page", page)
    monkeypatch.setattr(reporting, "PAUSE", 0)
    monkeypatch.setattr(reporting, "SHORTEST_PAUSE", 0.0)
    return told


def test_it_is_written_at_the_start_after_each_epoch_and_at_the_end(written, tmp_path):
    run = trained(tmp_path, epochs=3)
    assert written == [("training", 0), ("training", 1), ("training", 2), ("training", 3), ("finished", 3)]
    assert run.folder.report.read_text() == "finished 3"


def test_quick_epochs_do_not_each_write_it(written, tmp_path, monkeypatch):
    monkeypatch.setattr(reporting, "SHORTEST_PAUSE", 1000.0)
    trained(tmp_path, epochs=3)
    assert written == [("training", 0), ("finished", 3)]


class Stops(ravine.Observer):
    def epoch(self, row, times, weights):
        if row["epoch"] == 2:
            raise KeyboardInterrupt


def test_whatever_stops_a_training_the_page_says_so(written, tmp_path):
    with pytest.raises(KeyboardInterrupt):
        trained(tmp_path, epochs=3, observers=[Stops()])
    assert written[-1] == ("stopped", 2)
    trained(tmp_path, epochs=3)
    assert written[-1] == ("finished", 3)


@pytest.mark.parametrize("error", [SaveError("cannot be written (No space left on device)"), RuntimeError("a bug")])
def test_a_report_that_cannot_be_written_costs_no_training(written, tmp_path, monkeypatch, capsys, error):
    plain = trained(tmp_path / "plain")

    def refuse(*_):
        raise error

    monkeypatch.setattr(report_page, "report_page", refuse)
    run = trained(tmp_path / "refused")
    assert run.summary["accuracy"] == plain.summary["accuracy"]
    assert run.folder.metrics.read_bytes() == plain.folder.metrics.read_bytes()
    assert not run.folder.report.exists()
    said = capsys.readouterr().err
    assert said.count("no report.html") == 1
    assert "the training goes on" in said


def test_a_full_disk_costs_no_training(written, tmp_path, monkeypatch, capsys):
    refusing(monkeypatch, "report.html")
    run = trained(tmp_path)
    assert run.folder.finished
    assert capsys.readouterr().err.count("No space left") == 1


def refusing(monkeypatch, *names):
    """A disk that takes no file of these names."""
    write = RunFolder.write_bytes

    def full(self, name, content):
        if name in names:
            raise SaveError("cannot be written (No space left on device)", where=str(self.path / name))
        write(self, name, content)

    monkeypatch.setattr(RunFolder, "write_bytes", full)


@pytest.mark.parametrize("name", ["augmentation.png", "predictions.csv", "shown.npz"])
def test_files_that_only_the_report_needs_cost_no_training(written, tmp_path, monkeypatch, capsys, name):
    plain = trained(tmp_path / "plain", augment="translate(1)")
    assert (plain.path / name).is_file()
    refusing(monkeypatch, name)
    run = trained(tmp_path / "refused", augment="translate(1)")
    assert run.summary["accuracy"] == plain.summary["accuracy"]
    assert run.folder.best_weights.read_bytes() == plain.folder.best_weights.read_bytes()
    assert not (run.path / name).exists()
    said = capsys.readouterr().err
    assert said.count(f"no {name}, and the training goes on") == 1
    assert f"warning: no {name}" in run.folder.log.read_text()
    assert report_of(run).judged.split == "val"


class Fails(ravine.Observer):
    dispensable = True

    def __init__(self, moment):
        self.moment, self.told = moment, []

    def _at(self, moment):
        self.told.append(moment)
        if moment == self.moment:
            raise OSError("the network is gone")

    def begin(self, run):
        self._at("begin")

    def epoch(self, row, times, weights):
        self._at("epoch")

    def end(self, run):
        self._at("end")


@pytest.mark.parametrize(("moment", "told"), [
    ("begin", ["begin"]), ("epoch", ["begin", "epoch"]), ("end", ["begin", "epoch", "epoch", "end"]),
])  # fmt: skip
def test_a_dispensable_observer_that_fails_is_told_no_more(written, tmp_path, capsys, moment, told):
    tracker = Fails(moment)
    run = trained(tmp_path, observers=[tracker])
    assert run.folder.finished
    assert tracker.told == told
    assert capsys.readouterr().err.count("no Fails, and the training goes on: the network is gone") == 1


def test_others_stop_it(written, tmp_path):
    tracker = Fails("epoch")
    tracker.dispensable = False
    with pytest.raises(OSError, match="network is gone"):
        trained(tmp_path, observers=[tracker])


def test_an_observer_of_ones_own_is_told_as_before(written, tmp_path):
    rows = []
    trained(tmp_path, observers=[lambda row: rows.append(row["epoch"])])
    assert rows == list(range(1, QUICK["epochs"] + 1))
