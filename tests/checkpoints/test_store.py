import json
import math
import os
from pathlib import Path

import pytest
import torch
from every_type import ALL, bits

from ravine.checkpoints import store
from ravine.errors import CheckpointError, UsageError


def at(step):
    return {"weights": torch.full((2, 3), float(step)), "step": torch.tensor(step)}


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_every_type_and_the_state_come_back_with_equal_bits(tmp_path):
    state = {"epoch": 3, "best": 1 / 3, "nan": math.nan, "inf": -math.inf, "name": "Käse", "history": [None, True]}
    path = store.save(tmp_path, 1234, ALL, state)
    loaded = store.load_newest(tmp_path)
    assert loaded is not None
    assert (loaded.path, loaded.step, loaded.damaged) == (path, 1234, ())
    assert path == tmp_path / "step-000001234"
    assert loaded.tensors.keys() == ALL.keys()
    for name, tensor in ALL.items():
        assert (loaded.tensors[name].dtype, loaded.tensors[name].shape) == (tensor.dtype, tensor.shape)
        assert bits(loaded.tensors[name]) == bits(tensor), name
    assert json.dumps(loaded.state) == json.dumps(state)


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="reads the names of open files from Linux's /proc")
def test_everything_is_on_the_disk_before_the_name_that_promises_it(tmp_path, monkeypatch):
    """A kill cannot show this, only a power cut: the order of the system calls is the proof."""
    events = []

    def watch(module, name, describe):
        original = getattr(module, name)

        def watched(*args, **settings):
            events.append(describe(*args))
            return original(*args, **settings)

        monkeypatch.setattr(module, name, watched)

    def short(path):
        return Path(path).relative_to(tmp_path).as_posix()

    watch(os, "fsync", lambda handle: "sync " + short(os.readlink(f"/proc/self/fd/{handle}")))
    watch(os, "replace", lambda old, new: f"rename {short(old)} to {short(new)}")
    watch(Path, "rename", lambda old, new: f"rename {short(old)} to {short(new)}")
    watch(Path, "unlink", lambda path: f"delete {short(path)}")
    watch(Path, "mkdir", lambda path: f"make {short(path)}")
    store.save(tmp_path / "c", 1, at(1), {})
    assert events[:2] == ["make c", "sync ."]
    store.save(tmp_path / "c", 2, at(2), {}, keep=1)
    temporary, syncs = "c/.tmp-step-000000002", ("tensors.safetensors", "state.json", "MANIFEST.json")
    assert events[events.index(f"make {temporary}") :] == [
        f"make {temporary}",
        *(f"sync {temporary}/{name}" for name in syncs),
        f"sync {temporary}",
        f"rename {temporary} to c/step-000000002",
        "sync c",
        "sync c/.LATEST.tmp",
        "rename c/.LATEST.tmp to c/LATEST",
        "delete c/.LATEST.tmp",  # in case of an error; there is none
        "sync c",
        "rename c/step-000000001 to c/.old-step-000000001",
        "delete c/.old-step-000000001/MANIFEST.json",
    ]


def test_nothing_to_load_is_none(tmp_path):
    assert store.load_newest(tmp_path) is None
    assert store.load_newest(tmp_path / "none") is None


def test_what_is_loaded_does_not_change_with_the_files(tmp_path):
    path = store.save(tmp_path, 1, at(1), {})
    loaded = store.load_newest(tmp_path)
    assert loaded is not None
    with (path / "tensors.safetensors").open("r+b") as file:
        file.write(bytes((path / "tensors.safetensors").stat().st_size))
    assert loaded.tensors["weights"].tolist() == [[1.0] * 3] * 2
    loaded.tensors["weights"].add_(1)  # writable, as an optimizer needs


@pytest.mark.parametrize(("keep", "left"), [(1, [5]), (2, [4, 5]), (3, [3, 4, 5])])
def test_the_newest_are_kept_and_the_pointer_names_the_last(tmp_path, keep, left):
    for step in range(1, 6):
        store.save(tmp_path / "new" / "folder", step, at(step), {"step": step}, keep=keep)
    assert names(tmp_path / "new" / "folder") == ["LATEST", *(f"step-{step:09d}" for step in left)]
    assert (tmp_path / "new" / "folder" / "LATEST").read_text() == "step-000000005\n"


def test_a_damaged_one_does_not_count_as_kept_and_a_later_one_is_left_alone(tmp_path):
    for step in (1, 2, 9):
        store.save(tmp_path, step, at(step), {}, keep=9)
    (tmp_path / "step-000000002" / "state.json").write_text("[]")
    store.save(tmp_path, 3, at(3), {}, keep=2)
    assert names(tmp_path) == ["LATEST", *(f"step-{step:09d}" for step in (1, 2, 3, 9))]
    store.save(tmp_path, 4, at(4), {}, keep=2)
    assert names(tmp_path) == ["LATEST", *(f"step-{step:09d}" for step in (3, 4, 9))]


def test_the_same_step_is_replaced(tmp_path):
    for step, value in ((1, 1), (2, 2), (2, 7)):
        store.save(tmp_path, step, at(value), {"value": value})
    assert names(tmp_path) == ["LATEST", "step-000000001", "step-000000002"]
    loaded = store.load_newest(tmp_path)
    assert loaded is not None
    assert (loaded.step, loaded.state, loaded.tensors["step"].item()) == (2, {"value": 7}, 7)


def test_leftovers_of_a_kill_are_removed(tmp_path):
    store.save(tmp_path, 1, at(1), {})
    for leftover in (".tmp-step-000000002", ".tmp-step-000000003", ".old-step-000000001"):
        (tmp_path / leftover).mkdir()
        (tmp_path / leftover / "tensors.safetensors").write_bytes(b"half")
    store.save(tmp_path, 2, at(2), {})
    assert names(tmp_path) == ["LATEST", "step-000000001", "step-000000002"]


def test_foreign_names_are_neither_read_nor_deleted(tmp_path):
    for name in ("step-1", "step-000000007.bak", "notes", "step-٠٠٠٠٠٠٠٠١", "step-0000000000001"):
        (tmp_path / name).mkdir()
    (tmp_path / "step-000000008").write_text("a file")
    assert store.load_newest(tmp_path) is None
    before = names(tmp_path)
    store.save(tmp_path, 1, at(1), {}, keep=1)
    store.save(tmp_path, 2, at(2), {}, keep=1)
    assert names(tmp_path) == sorted([*before, "LATEST", "step-000000002"])


def test_impossible_settings_and_contents_are_refused_before_anything_is_written(tmp_path):
    for step, keep in ((-1, 2), (1, 0)):
        with pytest.raises(UsageError, match=f"step={step}, keep={keep}"):
            store.save(tmp_path, step, {}, {}, keep=keep)
    with pytest.raises(UsageError, match="tensor 'z'"):
        store.save(tmp_path, 1, {"z": torch.zeros(1, dtype=torch.complex64)}, {})
    with pytest.raises(TypeError):
        store.save(tmp_path, 1, {}, {"object": object()})
    assert names(tmp_path) == []


def test_a_lost_newest_checkpoint_is_reported(tmp_path):
    for step in (1, 2):
        path = store.save(tmp_path, step, at(step), {})
    path.rename(tmp_path / "lost")
    loaded = store.load_newest(tmp_path)
    assert loaded is not None
    assert (loaded.step, loaded.damaged) == (1, ("LATEST names 'step-000000002', which is gone",))
    (tmp_path / "step-000000001").rename(tmp_path / "lost too")
    with pytest.raises(CheckpointError, match="LATEST names 'step-000000002', which is gone.*--fresh") as caught:
        store.load_newest(tmp_path)
    assert caught.value.exit_code == 5
