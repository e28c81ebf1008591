import struct
import zipfile
from pathlib import Path

import numpy as np
import pytest

from ravine import data
from ravine.data import decoding
from ravine.data.sources import listed
from ravine.errors import DataError


@pytest.mark.parametrize("compression", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_a_zip_is_its_folder(compression, make, zipped, tmp_path):
    root = make("train/a/1.png", "train/b/2.jpg", "val/a/3.png", "val/b/4.jpg")
    folder, archive = data.load(root), data.load(zipped(root, "w/", compression=compression))
    for name, split in folder.splits.items():
        every = np.arange(len(split))
        assert np.array_equal(archive.splits[name].take(every), split.take(every))
        assert archive.splits[name].names == [f"w/{path}" for path in split.names]
    assert sorted(p.name for p in tmp_path.iterdir()) == ["DATA", "DATA.zip", "the cache"]  # nothing extracted


def test_a_copy_or_a_new_download_is_the_same_data(make, zipped, tmp_path):
    path = zipped(make("a/1.png", "b/2.png"))
    (tmp_path / "copy").mkdir()
    copy = tmp_path / "copy" / "DATA.zip"
    copy.write_bytes(path.read_bytes())
    assert data.load(copy).fingerprint == data.load(path).fingerprint


def rewritten(path, names, change=lambda info: None):
    with zipfile.ZipFile(path, "w") as file:
        for name in names:
            info = zipfile.ZipInfo("placeholder")
            info.filename = name
            change(info)
            file.writestr(info, b"content")
    return path


@pytest.mark.parametrize(
    "name", ["/a/1.png", "../a/1.png", "a/../../1.png", "\\a\\1.png", "C:/a/1.png", "c:\\a\\1.png", "a\\..\\1.png"]
)
def test_names_that_lead_outside_are_refused(name, tmp_path):
    with pytest.raises(DataError, match="leads outside the zip"):
        data.load(rewritten(tmp_path / "hostile.zip", [name, "b/1.png"]))


def test_backslashes_of_windows_and_double_slashes(make, tmp_path):
    root = make("a/1.png")
    content = (root / "a/1.png").read_bytes()
    with zipfile.ZipFile(tmp_path / "w.zip", "w") as file:
        for name in ("train\\a\\1.png", "train//b/./2.png"):
            info = zipfile.ZipInfo("x")
            info.filename = name
            file.writestr(info, content)
    loaded = data.load(tmp_path / "w.zip")
    assert loaded.classes == ("a", "b")
    assert len(loaded.splits["train"]) == 2


def patched(path, at: int, format: str, value: int, every: bool = True):
    """Changes a field of the central directory's entries."""
    content = bytearray(path.read_bytes())
    start = content.index(b"PK\x01\x02")
    while start >= 0:
        struct.pack_into(format, content, start + at, value)
        start = content.find(b"PK\x01\x02", start + 4)
    path.write_bytes(bytes(content))
    return path


def test_encrypted(make, zipped):
    with pytest.raises(DataError, match="is encrypted. Unpack it with its password"):
        data.load(patched(zipped(make("a/1.png")), 8, "<H", 1))


def test_absurd_sizes(make, zipped):
    with pytest.raises(DataError, match="says it is 4,000,000,000 bytes long; expected at most"):
        data.load(patched(zipped(make("a/1.png")), 24, "<I", 4_000_000_000))


def test_more_inside_than_declared(tmp_path, make):
    """A bomb that declares 100 bytes and holds 50 MB is unpacked no further than it declares."""
    with zipfile.ZipFile(tmp_path / "bomb.zip", "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("a/1.png", bytes(50_000_000))
        file.writestr("b/1.png", (make("b/1.png") / "b/1.png").read_bytes())
    path = patched(tmp_path / "bomb.zip", 24, "<I", 100)
    with listed(path) as (listing, read), pytest.raises(zipfile.BadZipFile):
        read(listing.names[0], -1)


@pytest.mark.parametrize("damage", ["truncated", "text", "empty", "directory"])
def test_damaged_zips(damage, make, zipped):
    path = zipped(make("a/1.png", "b/1.png"))
    content = path.read_bytes()
    cut = {"truncated": content[: len(content) // 2], "text": b"hello", "empty": b""}
    directory = content.replace(b"PK\x01\x02", b"PK\x01\xff")
    path.write_bytes(cut.get(damage, directory))
    with pytest.raises(DataError, match="Is it complete"):
        data.load(path)


def test_a_flipped_byte_is_one_unreadable_image(make, zipped):
    root = make(*(f"{label}/{i}.png" for label in "ab" for i in range(3)))
    path = zipped(root, compression=zipfile.ZIP_STORED)
    content = bytearray(path.read_bytes())
    content[content.index((root / "b/1.png").read_bytes()[-30:]) + 5] ^= 1
    path.write_bytes(bytes(content))
    loaded = data.load(path, max_bad=0.5)
    assert [name for name, _ in loaded.findings.unreadable] == ["b/1.png"]
    assert "CRC" in loaded.findings.unreadable[0][1]


def test_a_name_twice_is_said(make, tmp_path):
    content = (make("a/1.png") / "a/1.png").read_bytes()
    with zipfile.ZipFile(tmp_path / "t.zip", "w") as file:
        for name in ("a/1.png", "b/1.png"):
            file.writestr(name, content)
        with pytest.warns(UserWarning, match="Duplicate"):
            file.writestr("b/1.png", (make("c.png") / "c.png").read_bytes())
    loaded = data.load(tmp_path / "t.zip")
    assert len(loaded.splits["train"]) == 2
    assert "twice in the zip" in "".join(w.text for w in loaded.findings.warnings)
    assert not loaded.findings.copies  # the second b/1.png was taken


CIFAR10 = Path(__file__).parents[3] / "shared" / "data" / "cifar10-jpeg.zip"


@pytest.mark.skipif(not CIFAR10.exists(), reason="the CIFAR-10 JPEGs are not beside this checkout")
def test_the_real_cifar10(monkeypatch):
    with listed(CIFAR10) as (listing, read):
        counts = {(group.split, group.stop - group.start) for group in listing.groups}
        assert (counts, len(listing.groups)) == ({("train", 5000), ("test", 1000)}, 20)
        files = [read(name, -1) for name in listing.names[::200]]
    fast = [decoding.decode(content) for content in files]
    monkeypatch.setattr(decoding, "simplejpeg", None)
    for content, pixels in zip(files, fast, strict=True):
        assert np.abs(decoding.decode(content).astype(int) - pixels).max() <= 2
