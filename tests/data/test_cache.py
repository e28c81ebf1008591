"""Decoded once: which files are opened again, and what happens to a cache that is damaged, full or shared."""

import os
import shutil
import subprocess
import sys
from collections import Counter, namedtuple
from pathlib import Path

import numpy as np
import pytest

from ravine import data
from ravine.data import cache_writer, ingest, sources
from ravine.errors import DataError, SaveError


@pytest.fixture
def opened(monkeypatch):
    """Counts how often each image file is read."""
    count = Counter()
    reader = sources._reader

    def counting(root):
        read = reader(root)

        def counted(name, limit=-1):
            count[name] += 1
            return read(name, limit)

        return counted

    monkeypatch.setattr(sources, "_reader", counting)
    return count


@pytest.fixture
def root(make):
    return make(*(f"{label}/{i}.{kind}" for label in "ab" for i in range(4) for kind in ("png", "jpg")), height=20)


def pixels(dataset, split="train"):
    return dataset.splits[split].take(np.arange(len(dataset.splits[split])))


def builds(cache):
    return sorted(path.parent for path in cache.rglob("pixels.npy"))


def test_the_second_load_opens_no_image(root, opened, cache):
    first = data.load(root)
    assert sum(opened.values()) == 32  # header and pixels of 16 files
    opened.clear()
    second = data.load(root)
    assert not opened
    assert np.array_equal(pixels(first), pixels(second))
    assert (first.fingerprint, first.findings) == (second.fingerprint, second.findings)
    assert len(builds(cache)) == 1


def test_the_rows_are_what_preprocess_gives(root):
    loaded = data.load(root, size=16)
    for name, row in zip(loaded.splits["train"].names, pixels(loaded), strict=True):
        assert np.array_equal(row, data.preprocess(root / name, loaded.preprocessing))


def test_only_what_changed_is_opened_again(root, opened, cache, make):
    before = data.load(root)
    opened.clear()
    os.utime(root / "a/2.png", ns=(1, 1))
    touched = data.load(root)
    assert set(opened) == {"a/2.png"}
    assert touched.fingerprint != before.fingerprint
    assert np.array_equal(pixels(touched), pixels(before))
    opened.clear()
    make("b/00.png", height=20)
    (root / "a/0.png").unlink()
    changed = data.load(root)
    assert set(opened) == {"b/00.png"}
    for name, row in zip(changed.splits["train"].names, pixels(changed), strict=True):
        assert np.array_equal(row, data.preprocess(root / name, changed.preprocessing))
    assert len(builds(cache)) == 1  # what it replaces is removed


def test_another_size_examines_nothing_again(root, opened, cache):
    data.load(root)
    opened.clear()
    data.load(root, size=16)
    assert set(opened.values()) == {1}  # the pixels, not the headers
    opened.clear()
    data.load(root)
    data.load(root, size=16)
    assert not opened
    assert len(builds(cache)) == 2


def test_unreadable_files_are_not_tried_again_until_they_change(root, opened, make):
    make("a/bad.png", content=b"not a png")
    first = data.load(root, max_bad=0.1)
    assert first.findings.unreadable == (("a/bad.png", "not a JPEG, PNG, WebP, BMP, GIF or TIFF image"),)
    opened.clear()
    assert data.load(root, max_bad=0.1).findings.unreadable == first.findings.unreadable
    assert not opened
    shutil.copy(root / "a/1.png", root / "a/bad.png")
    assert not data.load(root).findings.unreadable
    assert set(opened) == {"a/bad.png"}


def test_a_file_that_could_not_be_opened_is_tried_again(root, opened, monkeypatch):
    """chmod does not change size and time, so the verdict must not be kept."""
    reader = sources._reader

    def forbidding(root):
        read = reader(root)

        def forbidden(name, limit=-1):
            if name == "a/1.png":
                raise PermissionError(13, "Permission denied")
            return read(name, limit)

        return forbidden

    with monkeypatch.context() as patch:
        patch.setattr(sources, "_reader", forbidding)
        for _ in range(2):
            loaded = data.load(root, max_bad=0.1)
            assert loaded.findings.unreadable == (("a/1.png", "Permission denied"),)
    opened.clear()
    healed = data.load(root)
    assert set(opened) == {"a/1.png"}
    assert not healed.findings.unreadable
    row = pixels(healed)[healed.splits["train"].names.index("a/1.png")]
    assert np.array_equal(row, data.preprocess(root / "a/1.png", healed.preprocessing))


@pytest.mark.parametrize("victim", ["pixels.npy", "files.npz", "MANIFEST.json"])
@pytest.mark.parametrize("damage", ["truncated", "emptied", "missing", "longer", "garbage"])
def test_a_damaged_cache_is_made_anew_with_a_word(victim, damage, root, cache):
    first = data.load(root)
    path = builds(cache)[0] / victim
    content = path.read_bytes()
    path.unlink()
    changed = {"truncated": content[:-7], "emptied": b"", "longer": content + b"x", "garbage": b"\xff" * len(content)}
    if damage != "missing":
        path.write_bytes(changed[damage])
    if (victim, damage) == ("pixels.npy", "garbage"):
        path.write_bytes(b"\xff" * 128 + content[128:])
    second = data.load(root)
    assert [w.code for w in second.findings.warnings] == ["cache"]
    assert "made anew" in second.findings.warnings[0].text
    assert np.array_equal(pixels(first), pixels(second))
    assert not data.load(root).findings.warnings


def test_an_open_data_set_survives_the_removal_of_its_cache(root, cache):
    loaded = data.load(root)
    expected = pixels(loaded)
    shutil.rmtree(cache)
    assert np.array_equal(pixels(loaded), expected)


def test_no_room_is_said_before_the_decoding(root, cache, monkeypatch):
    data.load(root)
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage(10**9, 10**9, 100))
    with pytest.raises(SaveError, match="decoded images need 0.01 MB, 0.00 MB are free. .*--cache DIR"):
        data.load(root, size=16)
    assert len(list(cache.rglob("*"))) == 5  # the folder, the good build, its three files
    data.load(root)


@pytest.mark.parametrize("call", ["write", "fsync"])
def test_a_disk_that_fills_up_leaves_nothing_behind(call, root, cache, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    if call == "fsync":
        monkeypatch.setattr(os, "fsync", full)
    else:
        monkeypatch.setattr(np.lib.format, "write_array_header_1_0", full)
    with pytest.raises(SaveError, match="No space left on device. .*--cache DIR"):
        data.load(root)
    assert not [path for path in cache.rglob("*") if path.is_file()]


def test_a_cache_that_cannot_be_written(root, tmp_path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(SaveError, match="--cache DIR"):
        data.load(root, cache=tmp_path / "file")


def test_an_interrupted_decoding_leaves_nothing_behind(root, cache, monkeypatch):
    def interrupt(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(ingest, "preprocess", interrupt)
    with pytest.raises(KeyboardInterrupt):
        data.load(root)
    assert not [path for path in cache.rglob("*") if path.is_file()]


def test_what_a_killed_process_left_is_removed_after_a_day(root, cache):
    data.load(root)
    entry = builds(cache)[0].parent
    for name, age in (("old", 2 * 86_400), ("new", 60)):
        folder = entry / f"{cache_writer.MAKING}{name}"
        folder.mkdir()
        (folder / "pixels.npy").write_bytes(b"half")
        os.utime(folder, (folder.stat().st_mtime - age,) * 2)
    data.load(root, size=16)
    assert [path.name for path in entry.glob(f"{cache_writer.MAKING}*")] == [f"{cache_writer.MAKING}new"]


def test_processes_that_write_at_once(root, cache):
    code = f"""
import numpy as np
from ravine import data
for size in ("auto", 16, 24):
    split = data.load({str(root)!r}, size=size).splits["train"]
    print(int(split.take(np.arange(len(split))).sum()))
"""
    started = [subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) for _ in range(4)]
    answers = {process.communicate()[0] for process in started}
    assert [process.returncode for process in started] == [0] * 4
    assert len(answers) == 1
    assert len(builds(cache)) == 3
    assert not list(cache.rglob(f"{cache_writer.MAKING}*"))


def test_where_the_cache_is(root, cache, tmp_path, monkeypatch):
    data.load(root, cache=tmp_path / "given")
    assert not cache.exists()
    assert builds(tmp_path / "given")
    data.load(root)
    assert builds(cache)
    monkeypatch.delenv("RAVINE_CACHE")
    monkeypatch.setattr(Path, "home", lambda: tmp_path / "home")
    data.load(root)
    assert builds(tmp_path / "home" / ".cache" / "ravine")


def test_two_sources_of_one_name_do_not_meet(make, tmp_path, cache):
    root = make("a/1.png", "b/1.png")
    other = tmp_path / "elsewhere" / "DATA"
    shutil.copytree(root, other)
    data.load(root)
    data.load(other)
    assert len(builds(cache)) == 2


def test_progress_ends_at_the_total_and_is_rare(root, monkeypatch):
    calls = []
    monkeypatch.setattr(ingest, "monotonic", iter(np.arange(0, 1e6, 0.03)).__next__)
    monkeypatch.setattr(ingest, "_CHUNK_BYTES", 1)
    data.load(root, progress=lambda done, total: calls.append((done, total)))
    assert calls[-1] == (16, 16)
    assert calls == sorted(calls)
    assert 3 <= len(calls) < 12
    calls.clear()
    data.load(root, progress=lambda done, total: calls.append((done, total)))
    assert calls == []


@pytest.mark.parametrize("threads", [1, 4])
def test_threads_do_not_change_the_result(threads, root, cache, monkeypatch):
    expected = pixels(data.load(root, size=24))
    shutil.rmtree(cache)
    monkeypatch.setattr(ingest, "threads_for", lambda sizes: threads)
    monkeypatch.setattr(ingest, "_CHUNK_BYTES", 4000)
    assert np.array_equal(pixels(data.load(root, size=24)), expected)


def test_a_long_header_is_read_to_its_end(make, picture, encoded, monkeypatch):
    monkeypatch.setattr(ingest, "_HEAD", 200)
    data_bytes = encoded(picture(1, 40, 20), "JPEG", icc_profile=bytes(70_000))
    root = make("a/1.jpg", "b/2.jpg", content=data_bytes)
    assert data.load(root).preprocessing == data.Preprocessing(40, 20, 3)


def test_an_image_that_proves_damaged_has_the_same_say_in_the_size_every_time(make, picture, encoded):
    make("a/1.png", "b/1.png", height=40, width=25)
    root = make("a/cut.png", content=encoded(picture(1, 64, 64))[:-500])
    sizes = {data.load(root, max_bad=0.5).preprocessing for _ in range(3)}
    assert sizes == {data.Preprocessing(24, 24, 3)}
    assert len(data.check(root).unreadable) == 1


def test_huge_files_are_not_read(make, opened):
    root = make("a/1.png", "b/1.png")
    with open(root / "a/2.png", "wb") as file:
        file.truncate(2**30 + 1)
    findings = data.check(root)
    assert findings.unreadable[0][0] == "a/2.png"
    assert "the limit for one image" in findings.unreadable[0][1]
    assert opened["a/2.png"] == 0


def test_all_unreadable(make):
    root = make("a/1.png", "b/1.png", content=b"?")
    assert data.check(root).errors[0].text.startswith("no image can be read: 2 of 2 images (100.00%)")
    with pytest.raises(DataError, match="no image can be read"):
        data.load(root)
