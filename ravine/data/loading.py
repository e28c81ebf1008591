"""`load` and `check`: from whatever DATA is to a Dataset that has been looked over."""

import os
from collections.abc import Mapping
from dataclasses import replace
from hashlib import sha256
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np

from ravine.data import digits
from ravine.data.arrays import from_arrays, read_npz
from ravine.data.cache import entry_folder
from ravine.data.dataset import Dataset
from ravine.data.doctor import look_over
from ravine.data.findings import Finding, Findings
from ravine.data.ingest import Prepared, Progress, prepare
from ravine.data.layout import Listing
from ravine.data.preprocessing import Size
from ravine.data.sources import listed, location, name_of
from ravine.data.split import Split
from ravine.errors import DataError, UsageError

Source = str | PathLike[str] | tuple[Any, Any] | Mapping[str, Any]


def load(
    source: Source,
    *,
    size: Size = "auto",
    max_bad: float = 0.01,
    cache: str | PathLike[str] | None = None,
    progress: Progress | None = None,
) -> Dataset:
    """Reads DATA: each image is decoded once, kept in the cache, and from then on only mapped into memory.

    Args:
        source: a folder of class folders, or of train/, val/, test/ with class folders; a .zip of such a folder; an
            .npz with `x` and `y` (and `x_val`, `y_val`, `x_test`, `y_test`, `classes`), or a dict of such arrays, or
            `(x, y)`; or the word "digits".
        size: "auto", the side of a square in pixels (8..1024), the preprocessing of a trained network, or what
            gives from the number of images and the side that suits them a smaller one (floats keep theirs).
        max_bad: fraction of unreadable images up to which they are left out, 0..1.
        cache: folder for decoded images; `$RAVINE_CACHE`, else `~/.cache/ravine`, where None.
        progress: called as `progress(done, total)` while images are decoded, at most ten times a second.

    Raises:
        DataError: not DATA, too many unreadable images, or splits whose classes do not match.
        SaveError: no room in the cache. UsageError: a setting that cannot be.
    """
    dataset = _open(source, size, max_bad, cache, progress)
    if dataset.findings.errors:
        raise DataError(dataset.findings.errors[0].text, where=dataset.findings.source)
    return dataset


def check(
    source: Source,
    *,
    size: Size = "auto",
    max_bad: float = 0.01,
    cache: str | PathLike[str] | None = None,
    progress: Progress | None = None,
) -> Findings:
    """What `load` would find; problems with the images are reported in `errors` and not raised. Arguments as `load`."""
    return _open(source, size, max_bad, cache, progress).findings


def _open(
    source: Source,
    size: Size,
    max_bad: float,
    cache: str | PathLike[str] | None,
    progress: Progress | None,
) -> Dataset:
    if not 0 <= max_bad <= 1:
        raise UsageError("not a fraction", where=f"--max-bad {max_bad}", expected="0..1")
    if isinstance(source, tuple):
        if len(source) != 2:
            raise UsageError(f"{len(source)} arrays", where="data", expected="(x, y)")
        return from_arrays({"x": source[0], "y": source[1]}, "arrays", size)
    if isinstance(source, Mapping):
        return from_arrays(source, "arrays", size)
    where = location(source)
    if where is None:
        raise UsageError(f"cannot load a {type(source).__name__}", where="data", expected="a path, (x, y) or a dict")
    if where == "digits":
        return from_arrays(digits.arrays(), "digits", size, _not_the_folder())
    path = Path(os.path.expanduser(source))  # as it was given, which is how messages name it
    if path.suffix.lower() == ".npz" and path.is_file():
        return from_arrays(read_npz(path), str(path), size)
    with listed(path) as (listing, read):
        prepared = prepare(listing, read, size, entry_folder(path, cache), progress)
    return _dataset(path, listing, prepared, max_bad)


def _not_the_folder() -> tuple[Finding, ...]:
    text = "the embedded digits were taken; for the folder of that name write ./digits"
    return (Finding("digits", text),) if Path("digits").exists() else ()


def _dataset(path: Path, listing: Listing, prepared: Prepared, max_bad: float) -> Dataset:
    has_train = any(group.split == "train" for group in listing.groups)
    classes = tuple(sorted({group.label for group in listing.groups if group.split == "train" or not has_train}))
    unknown = {group.label for group in listing.groups} - set(classes)
    labels = (*classes, *sorted(unknown))
    readable = prepared.verdicts.readable()
    draft = _draft(path, listing, prepared, classes)
    splits, digests = {}, {}
    for name in dict.fromkeys(group.split for group in listing.groups):
        groups = [group for group in listing.groups if group.split == name]
        y = np.concatenate([np.full(group.stop - group.start, labels.index(group.label)) for group in groups])
        rows = np.arange(groups[0].start, groups[-1].stop)
        usable = readable[rows]
        if not usable.any():
            draft = _without(draft, name, len(rows))
            continue
        rows = rows[usable]
        splits[name] = Split(prepared.pixels, y[usable], [listing.names[i] for i in rows.tolist()], rows)
        digests[name] = prepared.verdicts.digests[rows]
    findings = look_over(draft, splits, digests, labels, max_bad)
    fingerprint = sha256(repr((listing.fingerprint(), findings.unreadable)).encode("utf-8", "backslashreplace"))
    return Dataset(
        name_of(path),
        classes,
        splits,
        prepared.preprocessing,
        findings,
        fingerprint.hexdigest(),
        unsplit=listing.unsplit,
    )


def _draft(path: Path, listing: Listing, prepared: Prepared, classes: tuple[str, ...]) -> Findings:
    """What listing and reading the files has shown."""
    verdicts, readable = prepared.verdicts, prepared.verdicts.readable()
    kinds = np.bincount(verdicts.kinds[readable], minlength=len(verdicts.kind_names)).tolist()
    damaged = [Finding("cache", f"damaged, and made anew: {folder}") for folder in prepared.damaged]
    return Findings(
        source=str(path),
        classes=classes,
        counts={},
        listed=len(listing.names),
        unreadable=tuple((listing.names[i], reason) for i, reason in sorted(verdicts.reasons.items())),
        left_out={reason: tuple(paths) for reason, paths in listing.left_out.items() if paths},
        sizes={side: _spread(column[readable]) for side, column in verdicts.sides().items()} if readable.any() else {},
        kinds={" ".join(kind): n for kind, n in zip(verdicts.kind_names, kinds, strict=True)},
        prepared=(prepared.pixels.shape[1:], prepared.why),
        warnings=tuple(damaged),
    )


def _without(draft: Findings, split: str, listed: int) -> Findings:
    """Says that a split has nothing to offer: an error for train, while val and test can be done without."""
    text = f"{split} has no usable images ({listed:,} files, none readable)" if listed else f"{split} has no images"
    if split == "train":
        return replace(draft, errors=(*draft.errors, Finding("empty-split", text)))
    return replace(draft, warnings=(*draft.warnings, Finding("empty-split", f"{text}: left out, and not scored")))


def _spread(values: np.ndarray) -> tuple[int, int, int]:
    return int(values.min()), int(np.median(values)), int(values.max())
