"""Which folder is a split, which is a class; the same for a folder and for a zip of it."""

import os
from pathlib import Path

import pytest

from ravine import data
from ravine.data.sources import listed
from ravine.errors import DataError


def listing_of(path):
    with listed(path) as (listing, _):
        return listing


@pytest.fixture(params=["folder", "zip", "wrapped zip", "wrapped folder"])
def given_as(request, zipped, tmp_path):
    """The folder itself, or the same in another form."""

    def give(folder):
        if request.param == "folder":
            return folder
        if request.param == "wrapped folder":
            (tmp_path / "outer" / "middle").mkdir(parents=True)
            return folder.rename(tmp_path / "outer" / "middle" / "inner").parent.parent
        return zipped(folder, "inner/" if request.param == "wrapped zip" else "")

    return give


def groups(listing):
    return [(g.split, g.label, g.stop - g.start) for g in listing.groups]


def test_class_folders(make, given_as):
    listing = listing_of(given_as(make("b/2.png", "b/10.jpg", "a/x.PNG", "c/deep/er/1.png")))
    assert groups(listing) == [("train", "a", 1), ("train", "b", 2), ("train", "c", 1)]
    assert listing.unsplit
    assert [Path(name).name for name in listing.names] == ["x.PNG", "10.jpg", "2.png", "1.png"]


@pytest.mark.parametrize("val", ["val", "valid", "validation", "Val"])
def test_split_folders(val, make, given_as):
    listing = listing_of(given_as(make("train/b/1.png", "train/a/1.png", f"{val}/a/1.png", "test/b/1.png")))
    assert groups(listing) == [("train", "a", 1), ("train", "b", 1), ("val", "a", 1), ("test", "b", 1)]
    assert not listing.unsplit


@pytest.mark.parametrize("only", ["train", "val", "test"])
def test_one_split_alone(only, make, given_as):
    listing = listing_of(given_as(make(f"{only}/a/1.png", f"{only}/b/1.png")))
    assert groups(listing) == [(only, "a", 1), (only, "b", 1)]
    assert not listing.unsplit


def test_a_class_may_be_called_train(make, given_as):
    listing = listing_of(given_as(make("bus/1.png", "car/1.png", "train/1.png")))
    assert [label for _, label, _ in groups(listing)] == ["bus", "car", "train"]


def test_two_names_for_one_split_are_refused(make, given_as):
    with pytest.raises(DataError, match="val/ and .*valid/ are both the val split"):
        listing_of(given_as(make("train/a/1.png", "val/a/1.png", "valid/a/1.png")))


def test_what_is_not_used_is_listed(make, given_as):
    root = make("train/a/1.png", "train/stray.png", "extra/b/1.png", "top.jpg")
    make("train/a/notes.txt", "labels.csv", "train/a/.hidden.png", "__MACOSX/a/1.png", content=b"?")
    make("train/a/Thumbs.db", "train/a/desktop.ini", "train/a/.DS_Store", content=b"?")
    listing = listing_of(given_as(root))
    left = {reason: [Path(name).name for name in names] for reason, names in listing.left_out.items() if names}
    assert left == {
        "not images": ["labels.csv", "notes.txt"],
        "beside the class folders": ["stray.png"],
        "beside the split folders": ["1.png", "top.jpg"],
    }
    assert len(listing.names) == 1


def test_empty_classes_are_kept(make, zipped):
    root = make("a/1.png", "b/readme.txt")
    (root / "c").mkdir()
    for source in (root, zipped(root)):
        assert groups(listing_of(source)) == [("train", "a", 1), ("train", "b", 0), ("train", "c", 0)]


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (["1.png", "2.png"], "has 2 images, but no class folders; expected CLASS/IMAGE"),
        (["train/1.png", "test/2.png"], "train/ has 1 images, but no class folders"),
        (["val/a/1.png", "test/1.png"], "test/ has 1 images, but no class folders"),
        (["a/1.txt", "b/2.txt", "b/3.pdf"], r"no images found; expected .* \(found: 2 .txt, 1 .pdf\)"),
        (["notes.txt"], "neither images nor class folders"),
    ],
)
def test_other_layouts_say_what_is_expected(names, message, make, zipped):
    for source in (make(*names), zipped(make())):
        with pytest.raises(DataError, match=message):
            listing_of(source)


def test_an_unlabelled_test_beside_train_is_left_out_and_said(make, zipped):
    root = make("train/a/1.png", "train/b/1.png", "test/1.png", "test/2.png")
    for source in (root, zipped(root)):
        loaded = data.load(source)
        assert list(loaded.splits) == ["train"]
        warnings = [found.text for found in loaded.findings.warnings if "class-folders" in found.code]
        text = "2 files not used, in a split without class folders: test/1.png, test/2.png"
        assert warnings == [f"{text}; they are not scored, but ravine predict names them"]


def test_order_and_fingerprint_do_not_depend_on_the_order_of_the_disk(make, monkeypatch):
    root = make(*(f"{label}/{i}.png" for label in "cab" for i in range(20)))
    first = listing_of(root)
    scandir = os.scandir

    class Reversed:
        def __init__(self, path):
            with scandir(path) as entries:
                self.entries = list(entries)[::-1]

        def __enter__(self):
            return iter(self.entries)

        def __exit__(self, *_):
            pass

    monkeypatch.setattr(os, "scandir", Reversed)
    again = listing_of(root)
    assert again.names == first.names == sorted(first.names)
    assert again.fingerprint() == first.fingerprint()


def test_the_fingerprint_sees_every_change_of_an_image_but_no_other(make):
    root = make("a/1.png", "b/1.png")
    seen = {listing_of(root).fingerprint()}
    make("notes.txt", content=b"!")
    assert {listing_of(root).fingerprint()} == seen
    os.utime(root / "a/1.png", ns=(1, 1))
    seen.add(listing_of(root).fingerprint())
    (root / "a/1.png").rename(root / "a/2.png")
    seen.add(listing_of(root).fingerprint())
    (root / "a/2.png").unlink()
    make("a/2.png", content=b"other")
    os.utime(root / "a/2.png", ns=(1, 1))
    seen.add(listing_of(root).fingerprint())
    (root / "c").mkdir()
    seen.add(listing_of(root).fingerprint())
    assert len(seen) == 5


def test_links(make, tmp_path):
    root = make("a/1.png", "b/1.png", "a/deep/2.png")
    (root / "a" / "loop").symlink_to(root)
    (root / "b" / "self").symlink_to(root / "b" / "self")
    (root / "b" / "gone.png").symlink_to(tmp_path / "nowhere.png")
    outside = tmp_path / "outside"
    (root / "a").rename(outside)
    (root / "c").symlink_to(outside)
    (root / "c2").symlink_to("c")
    listing = listing_of(root)
    assert groups(listing) == [("train", "b", 2), ("train", "c", 2), ("train", "c2", 2)]
    assert listing.left_out["cannot be listed"] == [
        f"{name}/loop: a link back into a folder that it is in" for name in ("c", "c2")
    ]


def test_a_net_of_links_ends(make):
    root = make("a/1.png")
    names = "abcdefghij"
    for name in names:
        (root / name).mkdir(exist_ok=True)
        for other in names:
            (root / name / f"to_{other}").symlink_to(root / other)
    with pytest.raises(DataError, match="link to each other without an end"):
        listing_of(root)


def test_pipes_are_not_opened(make):
    root = make("a/1.png", "b/1.png")
    os.mkfifo(root / "a" / "pipe.png")
    listing = listing_of(root)
    assert listing.left_out["cannot be listed"] == ["a/pipe.png: not a regular file"]
    assert len(listing.names) == 2


def test_wrong_paths(tmp_path):
    with pytest.raises(DataError, match=f"no such folder or file; expected a folder.*{tmp_path} exists"):
        data.load(tmp_path / "photo" / "s")
    (tmp_path / "photo.jpg").write_bytes(b"?")
    with pytest.raises(DataError, match="neither a folder nor a zip"):
        data.load(tmp_path / "photo.jpg")
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match="neither images nor class folders"):
        data.load(tmp_path / "empty")


def test_hostile_names(make):
    names = ["[red]b[/red]/a\nb.png", "käse/日本.png", "a b/-rf.png", "b'c/\x1b[31m.png", "z/'; drop.png"]
    root = make(*names)
    with open(os.fsencode(root / "z") + b"/\xff\xfe.png", "wb") as file:
        file.write((root / names[0]).read_bytes())
    loaded = data.load(root)
    assert len(loaded.splits["train"]) == 6
    assert sorted(loaded.splits["train"].names)[0] == "[red]b[/red]/a\nb.png"
    again = data.load(root)
    assert again.splits["train"].names == loaded.splits["train"].names
