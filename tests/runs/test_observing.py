"""An observer is told of everything, in order, with what the run folder holds."""

import numpy as np
import pytest
import torch

import ravine
from ravine import data
from ravine.checkpoints import weights_file

SMALL = {"model": "mlp(hidden=[16])", "epochs": 3, "batch": 32, "quiet": True, "device": "cpu"}


@pytest.fixture(scope="module")
def arrays():
    digits = data.load("digits").splits["train"]
    return digits.take(np.arange(300)), digits.y[:300]


class Diary(ravine.Observer):
    """Keeps what it is told; leaves the training after `stop` epochs."""

    def __init__(self, stop=None):
        self.told, self.stop, self.weights = [], stop, {}

    def begin(self, run):
        self.told.append(("begin", len(run.metrics), run.recipe.epochs))

    def epoch(self, row, times, weights):
        self.told.append(("epoch", row["epoch"], times["epoch"]))
        self.weights = {name: tensor.clone() for name, tensor in weights.items()}
        if row["epoch"] == self.stop:
            raise KeyboardInterrupt

    def end(self, run):
        self.told.append(("end", len(run.metrics), run.summary["finished"]))


EPOCHS = [("epoch", 1, 1), ("epoch", 2, 2), ("epoch", 3, 3)]


def test_begin_epochs_end(arrays, tmp_path):
    diary = Diary()
    run = ravine.train(arrays, out=tmp_path, observers=[diary], **SMALL)
    assert diary.told == [("begin", 0, 3), *EPOCHS, ("end", 3, True)]
    last, _ = weights_file.read(run.path / "weights" / "last.safetensors")
    assert diary.weights.keys() == last.keys()
    assert all(torch.equal(diary.weights[name], last[name]) for name in last)


def test_a_run_that_is_taken_up_begins_with_its_epochs(arrays, tmp_path, monkeypatch):
    monkeypatch.setattr("ravine.runs.saving.COST_SHARE", float("inf"))  # a checkpoint after every epoch
    first, second = Diary(stop=3), Diary()
    with pytest.raises(KeyboardInterrupt):
        ravine.train(arrays, out=tmp_path, observers=[first], **SMALL)
    ravine.train(arrays, out=tmp_path, observers=[second], **SMALL)
    assert first.told == [("begin", 0, 3), *EPOCHS]
    assert second.told == [("begin", 2, 3), ("epoch", 3, 3), ("end", 3, True)]


def test_members_have_names_of_their_own(arrays, tmp_path):
    diary = Diary()
    ravine.train(arrays, out=tmp_path, observers=[diary], members=2, **SMALL)
    assert {name.partition("/")[0] for name in diary.weights} == {"member00", "member01"}


def test_functions_are_called_with_rows(arrays, tmp_path):
    rows = []
    run = ravine.train(arrays, out=tmp_path, observers=[rows.append, Diary()], **SMALL)
    assert rows == run.metrics
