"""Every finding, provoked; and silence where there is nothing to find."""

import io
import json
import shutil

import numpy as np
import pytest
import rich
from rich.console import Console

from ravine import data
from ravine.errors import DataError


def codes(findings):
    return sorted(warning.code for warning in findings.warnings)


def text_of(findings, code):
    return next(f.text for f in (*findings.errors, *findings.warnings) if f.code == code)


def names(split, classes="ab", n=6, kind="png"):
    return [f"{split}{label}/{i}.{kind}" for label in classes for i in range(n)]


@pytest.fixture
def healthy(make):
    return make(*names("train/"), *names("val/"))


def test_nothing_to_complain_about(healthy):
    findings = data.check(healthy)
    assert (findings.errors, findings.warnings, findings.usable) == ((), (), True)
    assert findings.counts == {"train": {"a": 6, "b": 6}, "val": {"a": 6, "b": 6}}
    assert findings.sizes == {"height": (12, 12, 12), "width": (10, 10, 10)}
    assert findings.kinds == {"PNG RGB": 24}
    assert findings.prepared == ((3, 12, 10), "10 x 12, as all images are")


def test_the_embedded_digits_are_healthy():
    assert data.check("digits").warnings == ()


def test_unreadable_images_are_left_out_and_listed(healthy, make):
    make("train/a/bad.png", content=b"?")
    make("val/b/cut.png", content=(healthy / "val/b/1.png").read_bytes()[:-90])
    loaded = data.load(healthy, max_bad=0.08)
    unreadable = dict(loaded.findings.unreadable)
    assert unreadable["train/a/bad.png"] == "not a JPEG, PNG, WebP, BMP, GIF or TIFF image"
    assert "truncated" in unreadable["val/b/cut.png"]
    assert codes(loaded.findings) == ["unreadable"]
    assert text_of(loaded.findings, "unreadable").startswith("left out: 2 of 26 images (7.69%) cannot be read: ")
    assert len(loaded.splits["train"]) == len(loaded.splits["val"]) == 12
    assert not set(unreadable) & {*loaded.splits["train"].names, *loaded.splits["val"].names}
    for split in loaded.splits.values():
        rows = split.take(np.arange(len(split)))
        for name, row, y in zip(split.names, rows, split.y, strict=True):
            assert np.array_equal(row, data.preprocess(healthy / name, loaded.preprocessing))
            assert f"/{loaded.classes[y]}/" in name


def test_too_many_unreadable_images_stop_a_load_and_not_a_check(healthy, make):
    make(*(f"train/a/bad{i}.png" for i in range(5)), content=b"?")
    findings = data.check(healthy)
    assert not findings.usable
    assert len(findings.unreadable) == 5
    with pytest.raises(
        DataError, match=r"5 of 29 images \(17.24%\) cannot be read: train/a/bad0.png \(not a.*, \.\.\.: "
    ):
        data.load(healthy)
    assert data.load(healthy, max_bad=5 / 29).findings.usable
    assert not data.check(healthy, max_bad=4.99 / 29).usable


def test_a_class_that_train_does_not_know(healthy, make):
    make("val/ab/1.png", "val/zebra/1.png", "val/zebra/2.png")
    findings = data.check(healthy)
    assert text_of(findings, "unknown-class").startswith("val has classes that train does not have: ab, zebra")
    assert findings.counts["val"] == {"a": 6, "b": 6, "ab": 1, "zebra": 2}
    assert findings.classes == ("a", "b")
    with pytest.raises(DataError, match="val has classes that train does not have: ab, zebra. Did you mean|Known"):
        data.load(healthy)


def test_classes_match_by_name_never_by_position(make):
    root = make(*names("train/", "abc"), *names("test/", "bc"))
    loaded = data.load(root)
    assert loaded.classes == ("a", "b", "c")
    assert set(loaded.splits["test"].y.tolist()) == {1, 2}
    assert codes(loaded.findings) == ["missing-class"]
    assert "test has no images of a" in text_of(loaded.findings, "missing-class")


def test_without_train_the_classes_come_from_all_splits(make):
    loaded = data.load(make(*names("val/", "ab"), *names("test/", "bc")))
    assert loaded.classes == ("a", "b", "c")
    assert codes(loaded.findings) == ["missing-class", "missing-class"]


def test_empty_tiny_unequal_and_lonely_classes(make):
    root = make(*names("train/", "ab", 21), *names("train/", "c", 4))
    (root / "train" / "d").mkdir()
    findings = data.check(root)
    assert codes(findings) == ["empty-class", "imbalance", "tiny-class"]
    assert "cannot be learnt: d" in text_of(findings, "empty-class")
    assert "c (4)" in text_of(findings, "tiny-class")
    assert "a has 21 images, c 4" in text_of(findings, "imbalance")
    assert codes(data.check(make(*names("../lone/", "x")).parent / "lone")) == ["one-class"]


@pytest.mark.parametrize("unreadable", [0, 2])
def test_a_split_without_usable_images_is_left_out_and_said(unreadable, make):
    root = make(*names("train/", "ab", 9))
    for label in "ab":
        (root / "test" / label).mkdir(parents=True)
    make(*(f"test/a/{i}.png" for i in range(unreadable)), content=b"?")
    loaded = data.load(root, max_bad=0.5)
    assert list(loaded.splits) == list(loaded.findings.counts) == ["train"]
    why = "test has no usable images (2 files, none readable)" if unreadable else "test has no images"
    assert text_of(loaded.findings, "empty-split") == f"{why}: left out, and not scored"


def test_a_train_without_images_is_refused(make):
    root = make(*names("test/", "ab"))
    (root / "train" / "a").mkdir(parents=True)
    (root / "train" / "b").mkdir()
    with pytest.raises(DataError, match="train has no images"):
        data.load(root)


def test_the_imbalance_is_warned_of_beyond_5(make):
    root = make(*names("", "a", 25), *names("", "b", 5))
    assert codes(data.check(root)) == []
    make("a/one more.png")
    assert codes(data.check(root)) == ["imbalance"]


def test_copies_within_a_split(healthy):
    for i in range(3):
        shutil.copy(healthy / "train/a/1.png", healthy / f"train/a/copy{i}.png")
    findings = data.check(healthy)
    (copies,) = findings.copies
    assert (copies.kind, copies.where, copies.images) == ("duplicates", "train", 3)
    assert copies.examples == (("train/a/1.png", "train/a/copy0.png"),)
    assert codes(findings) == ["duplicates"]
    assert "both sides" not in text_of(findings, "duplicates")
    shutil.rmtree(healthy / "val")
    assert "both sides" in text_of(data.check(healthy), "duplicates")


def test_a_leak(healthy, encoded):
    """The same pixels in another file format leak as well."""
    shutil.copy(healthy / "train/a/1.png", healthy / "val/a/x.png")
    shutil.copy(healthy / "train/a/1.png", healthy / "val/a/y.png")
    from PIL import Image

    (healthy / "val/b/z.bmp").write_bytes(encoded(Image.open(healthy / "train/b/2.png"), "BMP"))
    findings = data.check(healthy)
    leak = next(copies for copies in findings.copies if copies.kind == "leak")
    assert (leak.where, leak.images) == ("train and val", 3)
    assert set(leak.examples) == {("train/a/1.png", "val/a/x.png"), ("train/b/2.png", "val/b/z.bmp")}
    assert text_of(findings, "leak").startswith("LEAK: 3 images of val are also in train (for example train/")


def test_a_label_conflict_within_and_across_splits(healthy):
    shutil.copy(healthy / "train/a/1.png", healthy / "train/b/x.png")
    shutil.copy(healthy / "train/a/2.png", healthy / "val/b/y.png")
    findings = data.check(healthy)
    found = {(copies.kind, copies.where): copies for copies in findings.copies}
    assert found["conflict", "two classes"].images == 4
    assert found["conflict", "two classes"].examples[0] in [
        ("train/a/1.png", "train/b/x.png"),
        ("train/a/2.png", "val/b/y.png"),
    ]
    assert found["leak", "train and val"].images == 1
    assert "a label must be wrong" in text_of(findings, "conflict")


def test_leaks_between_each_pair_of_splits(make):
    root = make(*names("train/"), *names("val/"), *names("test/"))
    for split in ("val", "test"):
        shutil.copy(root / "train/a/1.png", root / split / "a" / "leak.png")
    found = {copies.where for copies in data.check(root).copies if copies.kind == "leak"}
    assert found == {"train and val", "train and test", "val and test"}


def test_unreadable_images_are_no_copies_of_each_other(healthy, make):
    make(*(f"train/a/bad{i}.png" for i in range(5)), content=b"?")
    black = np.zeros((1, 3, 12, 10), np.uint8)
    assert not data.check(healthy, max_bad=1).copies
    assert data.load(healthy, max_bad=1).splits["train"].take(np.arange(12)).any(axis=(1, 2, 3)).all()
    assert not black.any()


def test_mixed_sizes_and_modes(make):
    root = make("a/1.png", "a/2.jpg", height=100, width=300)
    make("b/1.png", mode="L", height=50, width=40)
    findings = data.check(root)
    assert findings.sizes == {"height": (50, 100, 100), "width": (40, 300, 300)}
    assert findings.kinds == {"PNG RGB": 1, "JPEG RGB": 1, "PNG L": 1}
    assert findings.prepared[0] == (3, 104, 104)
    assert "--size N" in findings.prepared[1]


def test_gray_images_have_one_channel(make):
    root = make("a/1.png", "a/2.jpg", mode="L")
    make("b/1.png", mode="LA")
    assert data.load(root).splits["train"].shape == (1, 12, 10)
    make("b/2.png")
    assert data.load(root).splits["train"].shape == (3, 12, 10)


def test_files_that_are_not_used_are_warned_of(healthy, make):
    make("train/a/notes.txt", "train/stray.png")
    findings = data.check(healthy)
    assert codes(findings) == ["beside-the-class-folders", "not-images"]
    assert "1 files not used, not images: train/a/notes.txt" in text_of(findings, "not-images")
    assert findings.unreadable == ()


def test_json_is_complete_and_plain(healthy, make):
    make(*(f"train/a/\x1bbad{i}.png" for i in range(40)), content=b"?")
    plain = json.loads(json.dumps(data.check(healthy).to_json()))
    assert len(plain["unreadable"]) == 40
    assert plain["usable"] is False
    assert plain["errors"][0]["code"] == "unreadable"
    assert plain["counts"]["val"]["b"] == 6


@pytest.mark.parametrize("width", [60, 200])
def test_the_table_shows_hostile_names_as_they_are(width, make):
    root = make(*names("", ["[red]x", "[/", "käse 日本", "new\nline", "\x1b[31mred"], 6))
    make("[red]x/y[/red]z.png", "[/bad[bold].png", content=b"?")
    (root / "[" / b"\xff.png".decode("utf-8", "surrogateescape")).write_bytes(b"?")
    out = io.StringIO()
    Console(file=out, width=width, soft_wrap=True).print(data.check(root).table())
    text = out.getvalue()
    text.encode("utf-8")
    for name in (
        "[red]x",
        "[red]x/y[/red]z.png",
        "[/bad[bold].png",
        "käse 日本",
        r"new\nline",
        r"\x1b[31mred",
        r"\udcff.png",
    ):
        assert name in text
    assert "\x1b" not in text


def test_long_tables_are_cut_and_say_so(make):
    labels = [f"c{i:03}" for i in range(40)]
    root = make(*names("", labels, 1))
    make(*(f"c000/bad{i}.png" for i in range(35)), content=b"?")
    out = io.StringIO()
    Console(file=out, width=150).print(data.check(root).table())
    assert "... 10 more classes" in out.getvalue()
    assert "... 5 more unreadable files" in out.getvalue()
    assert "c029" in out.getvalue()
    assert "c030" not in out.getvalue()


def test_the_message_of_an_error_is_one_printable_line(make):
    root = make("a/\n\x1b.png", "b/1.png", content=b"?")
    with pytest.raises(DataError) as caught:
        data.load(root)
    assert "\n" not in str(caught.value)
    assert "\x1b" not in str(caught.value)
    assert rich.__name__  # the table is the only part that needs it
