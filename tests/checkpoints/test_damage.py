"""Whatever happens to the newest checkpoint on the disk: it is found, named, and the one before is taken."""

import json
import os
import shutil

import pytest
import torch

from ravine.checkpoints import store
from ravine.errors import CheckpointError

FILES = ("tensors.safetensors", "state.json", "MANIFEST.json")


def content(step):
    weights = torch.randn(3, 40, generator=torch.Generator().manual_seed(step))
    return {"weights": weights, "step": torch.tensor(step)}, {
        "step": step,
        "history": [1 / n for n in range(1, 9 + step)],
    }


@pytest.fixture
def folder(tmp_path):
    for step in (100, 200, 300):
        store.save(tmp_path, step, *content(step), keep=3)
    return tmp_path


def assert_taken(folder, step, *damaged):
    """`step` is loaded, whole; each newer one has one line, which names it and holds the given words."""
    loaded = store.load_newest(folder)
    assert loaded is not None
    tensors, state = content(step)
    assert (loaded.step, loaded.state) == (step, state)
    assert torch.equal(loaded.tensors["weights"], tensors["weights"])
    assert len(loaded.damaged) == len(damaged)
    for line, words in zip(loaded.damaged, damaged, strict=True):
        assert words in line


def places(newest, count):
    """`count` (file, offset) spread evenly over all bytes of all files."""
    sizes = [(newest / name, (newest / name).stat().st_size) for name in FILES]
    total = sum(size for _, size in sizes)
    for i in range(count):
        place = (total - 1) * i // (count - 1)
        for path, size in sizes:
            if place < size:
                yield path, place
                break
            place -= size


def test_cut_short_at_50_lengths(folder):
    hit = set()
    for path, length in list(places(folder / "step-000000300", 50)):
        whole = path.read_bytes()
        path.write_bytes(whole[:length])
        assert_taken(folder, 200, f"step-000000300: {path.name}")
        path.write_bytes(whole)
        hit.add(path.name)
    assert hit == set(FILES)
    assert_taken(folder, 300)


def test_bits_flipped_at_50_places(folder):
    for i, (path, place) in enumerate(list(places(folder / "step-000000300", 50))):
        whole = path.read_bytes()
        flipped = bytearray(whole)
        flipped[place] ^= 1 << i % 8
        path.write_bytes(flipped)
        assert_taken(folder, 200, f"step-000000300: {path.name}" if path.name != FILES[2] else "step-000000300: ")
        path.write_bytes(whole)


@pytest.mark.parametrize("name", FILES)
def test_missing_files(folder, name):
    (folder / "step-000000300" / name).unlink()
    (folder / "step-000000200" / name).unlink()
    words = f"{name} is missing" if name != "MANIFEST.json" else "MANIFEST.json cannot be read"
    assert_taken(folder, 100, f"step-000000300: {words}", f"step-000000200: {words}")


@pytest.mark.parametrize("name", FILES)
def test_files_swapped_between_checkpoints(folder, name):
    one, other = folder / "step-000000300" / name, folder / "step-000000200" / name
    one.rename(folder / "between")
    other.rename(one)
    (folder / "between").rename(other)
    assert_taken(folder, 100, f"step-000000300: {name}", f"step-000000200: {name}")


def test_folders_swapped(folder):
    (folder / "step-000000300").rename(folder / "between")
    (folder / "step-000000200").rename(folder / "step-000000300")
    (folder / "between").rename(folder / "step-000000200")
    assert_taken(folder, 100, "MANIFEST.json is of step 200: renamed", "MANIFEST.json is of step 300: renamed")


def test_a_renamed_copy_is_not_taken_for_a_newer_one(folder):
    shutil.copytree(folder / "step-000000100", folder / "step-000000400")
    assert_taken(folder, 300, "step-000000400: MANIFEST.json is of step 100")


def test_none_left_is_an_error_that_names_all_and_the_cure(folder):
    for path in folder.glob("step-*"):
        (path / "state.json").write_text("{}")
    with pytest.raises(CheckpointError) as caught:
        store.load_newest(folder)
    line = str(caught.value)
    assert caught.value.exit_code == 5
    assert all(f"step-000000{n}00: state.json has 2 bytes instead of " in line for n in (1, 2, 3))
    assert line.endswith("Restore one from a copy, or start anew with --fresh")
    assert "\n" not in line


def manifest(**changed):
    seal = {"size": 2, "sha256": "44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a"}  # of {}
    return {"format": 1, "step": 300, "files": {"tensors.safetensors": seal, "state.json": seal}} | changed


SEALS = manifest()["files"]


@pytest.mark.parametrize(
    ("hostile", "words"),
    [
        (b"", "cannot be read"),
        (b"[" * 9_999, "cannot be read"),
        (b" " * 20_000 + b"{}", "cannot be read"),
        (b'{"format": 1, "step": ' + b"9" * 5000 + b"}", "cannot be read"),
        (manifest(format=2), "not of format 1"),
        (manifest(step=10**30), "renamed or swapped"),
        (manifest(files=None), "does not list exactly"),
        (manifest(files={**SEALS, "../../../etc/passwd": {}}), "does not list exactly"),
        (manifest(files={**SEALS, "/etc/passwd": {}}), "does not list exactly"),
        (manifest(files={"state.json": SEALS["state.json"]}), "does not list exactly"),
        (manifest(files={**SEALS, "state.json": None}), "instead of None"),
        (manifest(files={**SEALS, "tensors.safetensors": {"size": 10**30}}), "bytes instead of 1000000"),
        (manifest(), "its content cannot be read"),  # a right hash of what is not a safetensors file
    ],
)
def test_hostile_manifests_are_refused(folder, hostile, words):
    newest = folder / "step-000000300"
    for name in FILES[:2]:
        (newest / name).write_bytes(b"{}")
    (newest / "MANIFEST.json").write_bytes(hostile if isinstance(hostile, bytes) else json.dumps(hostile).encode())
    assert_taken(folder, 200, words)


def test_what_is_not_a_file_is_not_opened(folder):
    (folder / "step-000000300" / "MANIFEST.json").unlink()
    os.mkfifo(folder / "step-000000300" / "MANIFEST.json")  # opening it would wait for ever
    (folder / "step-000000200" / "state.json").unlink()
    (folder / "step-000000200" / "state.json").mkdir()
    assert_taken(folder, 100, "MANIFEST.json cannot be read", "state.json is missing")


@pytest.mark.parametrize("pointer", [b"", b"\xff\n", b"../../etc\n", b"step-000000900\n"])
def test_a_damaged_pointer_is_reported_and_nothing_is_lost(folder, pointer):
    (folder / "LATEST").write_bytes(pointer)
    assert_taken(folder, 300, "which is gone")


def test_a_folder_that_cannot_be_read_is_one_line(folder):
    (folder / "LATEST").unlink()
    (folder / "LATEST").mkdir()
    with pytest.raises(CheckpointError, match=r"cannot be read \(Is a directory\)"):
        store.load_newest(folder)


def test_no_pointer_is_what_a_kill_before_the_first_one_leaves(folder):
    (folder / "LATEST").unlink()
    assert_taken(folder, 300)
