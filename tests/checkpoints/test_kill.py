"""SIGKILL at every moment of a save: what is found afterwards is whole, and the next save cleans up."""

import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from kill_driver import MOMENTS, SCENARIOS, content

from ravine.checkpoints import store

CASES = [(scenario, number) for scenario in SCENARIOS for number in range(len(MOMENTS[scenario]))]


@pytest.fixture(scope="module")
def killed(tmp_path_factory):
    """A folder of cases; each holds what a killed save left, the marker that the killer wrote, and the exit status."""
    root = tmp_path_factory.mktemp("killed")
    subprocess.run([sys.executable, Path(__file__).with_name("kill_driver.py"), root], check=True, timeout=120)
    return root


def test_the_listed_moments_are_all_there_are(tmp_path, monkeypatch):
    for scenario, last_step in SCENARIOS.items():
        seen = []
        for step in (1, 2):
            store.save(tmp_path / scenario, step, *content(step))
        monkeypatch.setattr(store, "failpoint", seen.append)
        store.save(tmp_path / scenario, last_step, *content(9))
        monkeypatch.undo()
        assert seen == MOMENTS[scenario]
    names = {name for moments in MOMENTS.values() for name in moments}
    assert names == {
        *("after-open", "mid-write", "before-fsync", "before-manifest", "before-rename", "before-pointer"),
        *("mid-replace", "mid-delete"),
    }


@pytest.mark.parametrize(("scenario", "number"), CASES)
def test_a_killed_save_leaves_a_whole_checkpoint_and_the_next_save_cleans_up(killed, scenario, number):
    case = killed / f"{scenario}-{number}"
    moment = MOMENTS[scenario][number]
    assert json.loads((case / "marker.json").read_text()) == {"moment": moment, "number": number}
    assert json.loads((case / "status.json").read_text()) == {"signal": signal.SIGKILL}

    loaded = store.load_newest(case / "checkpoints")
    assert loaded is not None
    renamed = number > MOMENTS[scenario].index("before-rename") and moment != "mid-replace"
    expected = 9 if renamed else 2
    tensors, state = content(expected)
    assert loaded.step == (SCENARIOS[scenario] if renamed else 2)
    assert loaded.state == state
    assert loaded.tensors.keys() == tensors.keys()
    assert all(torch.equal(loaded.tensors[name], tensors[name]) for name in tensors)
    assert loaded.damaged == ()

    store.save(case / "checkpoints", 10, *content(10))
    again = store.load_newest(case / "checkpoints")
    assert again is not None
    assert (again.step, again.state, again.damaged) == (10, content(10)[1], ())
    left = sorted(path.name for path in (case / "checkpoints").iterdir())
    before = 1 if moment == "mid-replace" else loaded.step
    assert left == ["LATEST", f"step-{before:09d}", "step-000000010"]
    for path in (case / "checkpoints").glob("step-*"):
        assert sorted(file.name for file in path.iterdir()) == ["MANIFEST.json", "state.json", "tensors.safetensors"]
