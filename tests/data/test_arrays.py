import os

import numpy as np
import pytest
from sklearn.datasets import load_digits

from ravine import data
from ravine.errors import DataError, UsageError

rng = np.random.default_rng(0)
Y = np.arange(6) % 3


def images(*shape):
    return rng.integers(0, 256, shape, np.uint8)


def every(dataset, split="train"):
    return dataset.splits[split].take(np.arange(len(dataset.splits[split])))


@pytest.mark.parametrize(
    ("shape", "expected"),
    [
        ((6, 8, 9), lambda x: x[:, None]),
        ((6, 8, 9, 1), lambda x: x.transpose(0, 3, 1, 2)),
        ((6, 8, 9, 3), lambda x: x.transpose(0, 3, 1, 2)),
        ((6, 1, 8, 9), lambda x: x),
        ((6, 3, 8, 9), lambda x: x),
    ],
)
def test_image_layouts(shape, expected):
    x = images(*shape)
    loaded = data.load((x, Y))
    assert np.array_equal(every(loaded), expected(x))
    assert loaded.preprocessing == data.Preprocessing(8, 9, expected(x).shape[1])
    floats = data.load((x / 255, Y))
    assert np.array_equal(every(floats), expected((x / 255).astype(np.float32)))
    assert every(floats).dtype == np.float32
    assert floats.preprocessing is None


@pytest.mark.parametrize("dtype", [np.uint8, np.int64, np.float64, np.float16, bool])
def test_features(dtype):
    x = rng.normal(0, 50, (6, 4)).clip(0).astype(dtype)
    loaded = data.load((x, Y))
    assert np.array_equal(every(loaded), x.astype(np.float32))
    assert loaded.splits["train"].shape == (4,)
    assert loaded.preprocessing is None


@pytest.mark.parametrize(
    ("y", "classes", "codes"),
    [
        ([10, 9, 10, 2, -1, 9], ("-1", "2", "9", "10"), [3, 2, 3, 1, 0, 2]),
        (["b", "a", "b", "10", "9", "a"], ("10", "9", "a", "b"), [3, 2, 3, 0, 1, 2]),
        (np.array(["b", "a"] * 3, object), ("a", "b"), [1, 0] * 3),
        ([0.0, 1.0, 5.0] * 2, ("0", "1", "5"), [0, 1, 2] * 2),
        (np.array([250, 3] * 3, np.uint8), ("3", "250"), [1, 0] * 3),
        ([True, False] * 3, ("False", "True"), [1, 0] * 3),
    ],
)
def test_labels(y, classes, codes):
    loaded = data.load((images(6, 8, 8), y))
    assert loaded.classes == classes
    assert loaded.splits["train"].y.tolist() == codes
    assert loaded.splits["train"].y.dtype == np.int64


def test_npz_with_all_splits(tmp_path):
    x = {"x": images(6, 8, 8), "x_val": images(3, 8, 8), "x_test": images(2, 8, 8)}
    y = {"y": Y, "y_val": [2, 1, 0], "y_test": [1, 1]}
    np.savez(tmp_path / "set.npz", **x, **y, classes=["zebra", "ape", "cat"])
    loaded = data.load(tmp_path / "set.npz")
    assert loaded.classes == ("zebra", "ape", "cat")  # the order that the labels refer to
    assert {name: split.y.tolist() for name, split in loaded.splits.items()} == {
        "train": Y.tolist(),
        "val": [2, 1, 0],
        "test": [1, 1],
    }
    assert np.array_equal(every(loaded, "val")[:, 0], x["x_val"])
    assert (loaded.name, loaded.unsplit) == ("set", False)
    assert loaded.splits["val"].names[2] == "x_val[2]"
    assert data.load({**x, **y}).classes == ("0", "1", "2")


def test_names_in_y_with_classes():
    loaded = data.load({"x": images(3, 8, 8), "y": ["cat", "ape", "cat"], "classes": ["dog", "cat", "ape"]})
    assert loaded.splits["train"].y.tolist() == [1, 2, 1]


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"x": np.empty((0, 8, 8), np.uint8), "y": []}, "shape"),
        ({"x": images(6, 8, 8), "y": Y[:5]}, "6 examples, but 5 labels"),
        ({"x": images(6, 8, 8).astype(object), "y": Y}, "dtype object"),
        ({"x": np.full((6, 4), "a"), "y": Y}, "dtype <U1"),
        ({"x": images(6, 8, 8).astype(np.int64), "y": Y}, r"x.astype\(np.uint8\)"),
        ({"x": images(6, 8, 8, 2), "y": Y}, "no axis of 1 or 3"),
        ({"x": images(6, 3, 8, 3), "y": Y}, "second or the last axis"),
        ({"x": images(6), "y": Y}, "shape"),
        ({"x": np.where(np.eye(6) > 0, np.nan, 1), "y": Y}, "6 values are NaN or infinite"),
        ({"x": np.full((6, 4), 1e300), "y": Y}, "24 values are NaN or infinite in float32, the first at .0, 0."),
        ({"x": images(6, 8, 8), "y": Y[:, None]}, "int64 .6, 1."),
        ({"x": images(6, 8, 8), "y": Y + 0.5}, "integers or strings"),
        ({"x": images(6, 8, 8), "y": [1, "a", None, 2, 3, 4]}, "integers or strings"),
        ({"x": images(6, 8, 8)}, "expected classes, x, "),
        ({"x": images(6, 8, 8), "y": Y, "z": Y}, "has x, y, z"),
        ({"train": (images(6, 8, 8), Y)}, "has train; expected classes, x, "),
        ({"x": images(6, 8, 8), "y": Y, "x_val": images(2, 8, 8)}, "only one of x_val and y_val"),
        (
            {"x": images(6, 8, 8), "y": Y, "x_val": images(1, 8, 9), "y_val": [0]},
            "x_val: uint8 .1, 8, 9.; expected uint8",
        ),
        ({"x": images(6, 8, 8), "y": Y, "x_val": images(1, 8, 8), "y_val": [7]}, "does not have: 7"),
        ({"x": images(6, 8, 8), "y": Y, "classes": ["a", "b"]}, "labels outside classes: .2."),
        ({"x": images(6, 8, 8), "y": Y, "classes": ["a", "a", "b"]}, "not a list of different names"),
    ],
)
def test_refused(arrays, message):
    with pytest.raises(DataError, match=message):
        data.load(arrays)


@pytest.mark.parametrize("name", ["\ud800", "a\udfff", "low \udc41", "\udcc3\udca9"])
@pytest.mark.parametrize("where", ["y", "classes"])
def test_names_that_no_file_can_hold_are_refused(name, where):
    x, y = np.zeros((4, 8, 8), np.uint8), np.arange(4) % 2
    names = np.array(["good", name])
    arrays = {"x": x, "y": names[y]} if where == "y" else {"x": x, "y": y, "classes": names}
    with pytest.raises(DataError, match="has a lone surrogate in its name") as error:
        data.load(arrays)
    str(error.value).encode()
    assert "\n" not in str(error.value)


def test_names_of_bytes_that_are_no_utf8_are_taken():
    names = np.array(["good", os.fsdecode(b"caf\xe9")])
    assert len(data.load({"x": np.zeros((4, 8, 8), np.uint8), "y": names[np.arange(4) % 2]}).classes) == 2


def test_other_objects_are_refused():
    for source in ([images(6, 8, 8), Y], None, 3):
        with pytest.raises(UsageError, match="cannot load a"):
            data.load(source)
    with pytest.raises(UsageError, match="3 arrays"):
        data.load((images(6, 8, 8), Y, Y))
    with pytest.raises(UsageError, match="max-bad"):
        data.load("digits", max_bad=2)


def test_damaged_and_pickled_npz(tmp_path):
    np.savez(tmp_path / "a.npz", x=images(6, 8, 8), y=Y)
    content = (tmp_path / "a.npz").read_bytes()
    (tmp_path / "a.npz").write_bytes(content[:-50])
    np.savez(tmp_path / "b.npz", x=np.array([{}, []], object), y=[0, 1])
    for name in ("a.npz", "b.npz"):
        with pytest.raises(DataError, match=rf"{name}: cannot be read .*np.savez"):
            data.load(tmp_path / name)


def test_sizes():
    x = images(6, 200, 150, 3)
    loaded = data.load((x, Y))
    assert loaded.splits["train"].shape == (3, 128, 128)
    assert np.array_equal(every(loaded)[0], data.preprocess(x[0], data.Preprocessing(128, 128, 3)))
    assert data.load((x, Y), size=16).splits["train"].shape == (3, 16, 16)
    trained = data.Preprocessing(20, 30, 1)
    assert data.load((x, Y), size=trained).splits["train"].shape == (1, 20, 30)
    with pytest.raises(UsageError, match="floats are not resized"):
        data.load((x / 255, Y), size=16)


def test_what_chooses_a_smaller_side_knows_how_many_and_leaves_floats_as_they_are():
    x, asked = images(6, 200, 150, 3), []

    def smaller(count, side):
        asked.append((count, side))
        return 32

    assert data.load((x, Y), size=smaller).splits["train"].shape == (3, 32, 32)
    assert data.load((x / 255, Y), size=smaller).splits["train"].shape == (3, 200, 150)
    assert asked == [(6, 128)]


def test_the_fingerprint_is_of_the_contents():
    x = images(6, 8, 8)
    first = data.load((x, Y)).fingerprint
    assert data.load({"x": x.copy(), "y": Y}).fingerprint == first
    other = x.copy()
    other[3, 3, 3] ^= 1
    seen = {first, data.load((other, Y)).fingerprint, data.load((x, Y[::-1])).fingerprint}
    seen |= {data.load((x, Y.astype(str))).fingerprint, data.load((x.reshape(6, 4, 16), Y)).fingerprint}
    assert len(seen) == 5


def test_copies_are_found_in_arrays():
    x = images(6, 8, 8)
    findings = data.check({"x": x, "y": Y, "x_test": x[2:3], "y_test": [2]})
    assert [(c.kind, c.where, c.examples) for c in findings.copies] == [
        ("leak", "train and test", (("x[2]", "x_test[0]"),))
    ]


def test_the_callers_arrays_are_not_changed():
    x, y = images(6, 8, 8), Y.copy()
    before = x.copy()
    every(data.load((x, y)))[:] = 0
    assert np.array_equal(x, before)


def test_the_embedded_digits_are_scikit_learns():
    reference = load_digits()
    loaded = data.load("digits")
    assert loaded.classes == tuple("0123456789")
    assert np.array_equal(every(loaded)[:, 0], np.floor(reference.images * 255 / 16 + 0.5))
    assert np.array_equal(loaded.splits["train"].y, reference.target)
    assert (every(loaded).shape, every(loaded).dtype) == ((1797, 1, 8, 8), np.uint8)
    assert (loaded.name, loaded.unsplit, loaded.preprocessing) == ("digits", True, data.Preprocessing(8, 8, 1))


def test_a_folder_called_digits_is_not_passed_over_in_silence(make, monkeypatch):
    root = make("digits/a/1.png", "digits/b/1.png")
    monkeypatch.chdir(root)
    assert "./digits" in data.load("digits").findings.warnings[0].text
    assert data.load("./digits").classes == ("a", "b")
