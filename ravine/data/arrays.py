"""Data that is in memory already: arrays, and the `.npz` files that hold them."""

from collections.abc import Mapping
from hashlib import sha256
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np

from ravine.data.dataset import Dataset
from ravine.data.doctor import look_over
from ravine.data.findings import Finding, Findings
from ravine.data.preprocessing import Preprocessing, Size, choose, preprocess
from ravine.data.split import Split
from ravine.data.verdicts import digest
from ravine.errors import DataError, UsageError

_KEYS = {"x", "y", "x_val", "y_val", "x_test", "y_test", "classes"}
_IMAGES = "[N, H, W], [N, H, W, 1|3] or [N, 1|3, H, W]"


def read_npz(path: Path) -> dict[str, np.ndarray]:
    """The arrays of a file. Raises DataError where it is damaged or needs pickle."""
    try:
        with open(path, "rb") as file, np.load(file, allow_pickle=False) as saved:
            return {name: saved[name] for name in saved.files}
    except Exception as error:  # BadZipFile, ValueError for object arrays, EOFError, ...
        expected = "x and y saved with np.savez, numbers or strings only"
        raise DataError(f"cannot be read ({error})", where=str(path), expected=expected) from None


def from_arrays(arrays: Mapping[str, Any], source: str, size: Size, notes: tuple[Finding, ...] = ()) -> Dataset:
    """A data set from arrays `x`, `y` and, where given, `x_val`, `y_val`, `x_test`, `y_test`.

    x is uint8 or float images, `[N, H, W]`, `[N, H, W, 1|3]` or `[N, 1|3, H, W]`, or features `[N, F]`; floats are used
    as they are. y is integers or strings; their sorted values are the classes, or `classes[y]` where that is given.

    Raises:
        DataError: other shapes or dtypes, lengths that do not match, NaN, or nothing at all.
    """
    if not {"x", "y"} <= set(arrays) <= _KEYS:
        found = ", ".join(sorted(map(str, arrays))) or "nothing"
        raise DataError(f"has {found}", where=source, expected=", ".join(sorted(_KEYS)))
    given = {name: np.asarray(array) for name, array in arrays.items()}
    names = [name for name in ("train", "val", "test") if {_key("x", name), _key("y", name)} & set(given)]
    pairs = {name: _pair(given, name, source) for name in names}
    for name, (x, _) in pairs.items():
        kind, expected = (f"{x.dtype} {x.shape[1:]}", f"{pairs['train'][0].dtype} {pairs['train'][0].shape[1:]}")
        if kind != expected:
            raise DataError(kind, where=f"{source}: {_key('x', name)}", expected=f"{expected}, as in x")
    stores, preprocessing, why = _prepared({name: x for name, (x, _) in pairs.items()}, size, source)
    found = {name: [str(label) for label in np.unique(y).tolist()] for name, (_, y) in pairs.items()}
    classes = tuple(found["train"]) if "classes" not in given else tuple(given["classes"].tolist())
    labels = tuple(dict.fromkeys((*classes, *chain(*found.values()))))
    _refuse_unwritable(labels, source)
    splits = {}
    for name, (_, y) in pairs.items():
        index = np.array([labels.index(label) for label in found[name]])
        positions = [f"{_key('x', name)}[{i}]" for i in range(len(y))]
        splits[name] = Split(stores[name], index[np.unique(y, return_inverse=True)[1]], positions)
    shape, n = splits["train"].shape, sum(map(len, splits.values()))
    sizes = {side: (pixels, pixels, pixels) for side, pixels in zip(("height", "width"), shape[1:], strict=False)}
    kinds = {f"array {stores['train'].dtype}": n}
    draft = Findings(source, classes, {}, n, sizes=sizes, kinds=kinds, prepared=(shape, why), warnings=notes)
    digests = {name: np.array([digest(row) for row in split.store], np.uint64) for name, split in splits.items()}
    findings = look_over(draft, splits, digests, labels, max_bad=0)
    name, fingerprint = Path(source).stem, _fingerprint(given)
    return Dataset(name, classes, splits, preprocessing, findings, fingerprint, unsplit=names == ["train"])


def _pair(given: Mapping[str, np.ndarray], split: str, source: str) -> tuple[np.ndarray, np.ndarray]:
    """The examples and labels of one split, checked."""
    x_name, y_name = _key("x", split), _key("y", split)
    if x_name not in given or y_name not in given:
        raise DataError(f"only one of {x_name} and {y_name}", where=source, expected="both")
    x = examples(given[x_name], f"{source}: {x_name}")
    y = _labels(given[y_name], given.get("classes"), f"{source}: {y_name}")
    if len(x) != len(y):
        what = f"{len(x):,} examples, but {len(y):,} labels"
        raise DataError(what, where=f"{source}: {x_name}, {y_name}", expected="as many")
    return x, y


def _key(letter: str, split: str) -> str:
    return letter if split == "train" else f"{letter}_{split}"


def examples(x: np.ndarray, where: str, to: Preprocessing | None = None) -> np.ndarray:
    """Checked examples, uint8 or float32 `[N, C, H, W]` or float32 `[N, F]`; uint8 images of `to`'s shape where given.

    Raises:
        DataError: another shape or dtype, NaN, or nothing at all; names `where`.
    """
    if to is not None:
        x = examples(x, where)
        _check_uint8(x, where)
        return _resized(x, to)
    if x.dtype != np.uint8 and (x.ndim != 2 or x.dtype.kind not in "iub") and x.dtype.kind != "f":
        cure = "Images are x.astype(np.uint8) with 0..255; anything else x.astype(np.float32)"
        raise DataError(f"dtype {x.dtype}", where=where, expected="uint8 images, or floats", cure=cure)
    if x.ndim not in (2, 3, 4) or 0 in x.shape:
        raise DataError(f"shape {x.shape}", where=where, expected=f"{_IMAGES} or features [N, F]")
    if x.ndim == 2 or x.dtype.kind == "f":
        with np.errstate(over="ignore"):  # a float64 beyond float32 becomes infinite, and is refused
            x = x.astype(np.float32)
        bad = ~np.isfinite(x)
        if bad.any():
            first = tuple(int(i) for i in np.argwhere(bad)[0])
            what = f"{int(bad.sum()):,} values are NaN or infinite in float32, the first at {list(first)}"
            raise DataError(what, where=where, expected="finite numbers")
    if x.ndim == 3:
        return np.ascontiguousarray(x[:, None])
    if x.ndim == 4:
        first, last = x.shape[1] in (1, 3), x.shape[3] in (1, 3)
        if first == last:
            what = "the channels can be the second or the last axis" if first else "no axis of 1 or 3 channels"
            raise DataError(f"shape {x.shape}: {what}", where=where, expected=_IMAGES)
        return np.ascontiguousarray(x if first else x.transpose(0, 3, 1, 2))
    return x


def _labels(y: np.ndarray, classes: np.ndarray | None, where: str) -> np.ndarray:
    """Integers or strings `[N]`; names where `classes` gives them."""
    if y.dtype.kind == "O" and all(isinstance(label, str) for label in y.ravel()):
        y = y.astype(str)
    if y.dtype.kind == "f" and np.isfinite(y).all() and (y == np.rint(y)).all():
        y = y.astype(np.int64)
    if y.ndim != 1 or y.dtype.kind not in "iubU":
        raise DataError(f"{y.dtype} {y.shape}", where=where, expected="labels [N], integers or strings")
    if classes is None:
        return y
    if classes.ndim != 1 or classes.dtype.kind != "U" or len(np.unique(classes)) != len(classes):
        raise DataError("not a list of different names", where=f"classes in {where}", expected="strings [C]")
    if y.dtype.kind == "U":
        outside = sorted(set(y.tolist()) - set(classes.tolist()))
    else:
        outside = np.unique(y[(y < 0) | (y >= len(classes))]).tolist()
    if outside:
        raise DataError(
            f"labels outside classes: {outside[:5]}", where=where, expected=f"those of {len(classes)} classes"
        )
    return y if y.dtype.kind == "U" else classes[y.astype(np.int64)]


def _refuse_unwritable(labels: tuple[str, ...], where: str) -> None:
    """Raises DataError for a name that no file can hold: files hold UTF-8, or bytes as Python's surrogates of them."""
    for label in labels:
        try:
            same = label.encode("utf-8", "surrogateescape").decode("utf-8", "surrogateescape") == label
        except UnicodeEncodeError:
            same = False
        if not same:
            expected = "text that can be written as UTF-8"
            raise DataError(f"the class {label} has a lone surrogate in its name", where=where, expected=expected)


def _prepared(
    x: dict[str, np.ndarray], size: Size, source: str
) -> tuple[dict[str, np.ndarray], Preprocessing | None, str]:
    """uint8 images at the chosen size; floats as they are."""
    n, *shape = x["train"].shape
    if x["train"].dtype != np.uint8:
        if isinstance(size, Preprocessing):
            _check_uint8(x["train"], source)
        if size != "auto" and not callable(size):
            where = f"--size {size}, {source}"
            raise UsageError("floats are not resized", where=where, expected="auto, or uint8 images")
        return x, None, "floats are used as they are"
    channels, height, width = shape
    images = sum(map(len, x.values()))
    to, why = choose(np.full(images, height), np.full(images, width), channels == 1, size)
    return {name: _resized(rows, to) for name, rows in x.items()}, to, why


def _check_uint8(x: np.ndarray, where: str) -> None:
    if x.dtype != np.uint8:
        expected = "uint8 images with 0..255, as the network was trained on"
        raise DataError(f"{x.dtype} of shape {x.shape}", where=where, expected=expected)


def _resized(x: np.ndarray, to: Preprocessing) -> np.ndarray:
    if x.shape[1:] == (to.channels, to.height, to.width):
        return x
    return np.stack([preprocess(row.transpose(1, 2, 0), to) for row in x])


def _fingerprint(given: Mapping[str, np.ndarray]) -> str:
    digest = sha256()
    for name in sorted(given):
        array = np.ascontiguousarray(given[name])
        digest.update(repr((name, array.dtype.str, array.shape)).encode())
        digest.update(array.tobytes() if array.dtype.kind in "OU" else array.data)
    return digest.hexdigest()
