"""From the tree of DATA to classes: which folder is a split, which is a class, and what fits neither."""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from hashlib import sha256
from itertools import chain
from typing import NamedTuple

import numpy as np

from ravine.data.tree import File, Folder, is_image
from ravine.errors import DataError

SPLITS = {"train": "train", "val": "val", "valid": "val", "validation": "val", "test": "test"}
UNLABELLED = "in a split without class folders"
EXPECTED = "CLASS/IMAGE.jpg in it, or train/CLASS/IMAGE.jpg beside val/ and test/"


class Group(NamedTuple):
    """The images of one class in one split are the files `start:stop` of the listing."""

    split: str
    label: str
    start: int
    stop: int


@dataclass(frozen=True)
class Listing:
    """Every image file of DATA, none of them opened.

    Attributes:
        names: paths within DATA with "/" between, sorted by split, class and path, whatever order the disk gives.
        sizes, stamps: int64 `[N]`, bytes and whatever changes with the content (modification time, CRC).
        groups: the classes of each split, also those without an image.
        unsplit: True where DATA has no train/, val/ or test/; the one split is then called "train".
        left_out: what was not used, by reason.
    """

    names: list[str]
    sizes: np.ndarray
    stamps: np.ndarray
    groups: tuple[Group, ...]
    unsplit: bool
    left_out: dict[str, list[str]]

    def fingerprint(self) -> str:
        """SHA-256 over the classes and all images listed, so that any change of them can be told."""
        digest = sha256(repr(self.groups).encode("utf-8", "backslashreplace"))
        digest.update("\0".join(self.names).encode("utf-8", "surrogateescape"))
        digest.update(self.sizes.tobytes())
        digest.update(self.stamps.tobytes())
        return digest.hexdigest()


def arrange(tree: Folder, where: str) -> Listing:
    """Finds splits and classes in a tree, looking through folders that only wrap (`cifar10/train/...`).

    Raises:
        DataError: no class folders (images in a val/ or test/ beside a good train/ are left out instead), or two
            folders for the same split; says which layout is expected.
    """
    reasons = ("not images", "beside the class folders", "beside the split folders", UNLABELLED)
    left_out: dict[str, list[str]] = {reason: [] for reason in reasons}
    top, prefix = _unwrapped(tree, left_out)
    splits = {name: folder for name, folder in top.folders.items() if name.lower() in SPLITS}
    unsplit = len(splits) < len(top.folders) and not any(folder.folders for folder in splits.values())
    if unsplit or not splits:
        parts = {"train": (prefix, top)}
    else:
        parts = _parts(splits, prefix, where)
        others = [f.walk(f"{prefix}{name}/") for name, f in top.folders.items() if name not in splits]
        beside = _sift(chain(_below(top, prefix), *others), left_out)
        left_out["beside the split folders"] = [name for name, _, _ in beside]
    files: list[File] = []
    groups = []
    for split in (s for s in ("train", "val", "test") if s in parts):
        at, folder = parts[split]
        beside = _sift(_below(folder, at), left_out)
        if beside and not folder.folders and split != "train" and "train" in parts:
            left_out[UNLABELLED] += [name for name, _, _ in beside]
            continue
        left_out["beside the class folders"] += [name for name, _, _ in beside]
        if not folder.folders:
            inside = f"{len(beside)} images, but no class folders" if beside else "neither images nor class folders"
            raise DataError(f"{at or 'the folder'} has {inside}", where=where, expected=EXPECTED)
        for label in sorted(folder.folders):
            images = sorted(_sift(folder.folders[label].walk(f"{at}{label}/"), left_out))
            groups.append(Group(split, label, len(files), len(files) + len(images)))
            files += images
    if not files:
        raise DataError("no images found", where=where, expected=EXPECTED + _instead(left_out))
    names, sizes, stamps = zip(*files, strict=True)
    left_out = {reason: sorted(paths) for reason, paths in left_out.items()}
    return Listing(list(names), np.array(sizes), np.array(stamps), tuple(groups), unsplit or not splits, left_out)


def _unwrapped(folder: Folder, left_out: dict[str, list[str]]) -> tuple[Folder, str]:
    """The folder where the classes or splits begin, and the path to it."""
    prefix = ""
    while len(folder.folders) == 1 and not any(is_image(name) for name, _, _ in folder.files):
        (name, inner), *_ = folder.folders.items()
        if name.lower() in SPLITS or not inner.folders:
            break
        _sift(_below(folder, prefix), left_out)
        folder, prefix = inner, f"{prefix}{name}/"
    return folder, prefix


def _parts(splits: dict[str, Folder], prefix: str, where: str) -> dict[str, tuple[str, Folder]]:
    parts = {}
    for name in sorted(splits):
        split = SPLITS[name.lower()]
        if split in parts:
            what = f"{parts[split][0]} and {prefix}{name}/ are both the {split} split"
            raise DataError(what, where=where, expected="one folder for it")
        parts[split] = (f"{prefix}{name}/", splits[name])
    return parts


def _below(folder: Folder, prefix: str) -> Iterator[File]:
    """The files directly in the folder."""
    return ((prefix + name, size, stamp) for name, size, stamp in folder.files)


def _sift(files: Iterable[File], left_out: dict[str, list[str]]) -> list[File]:
    """The images among the files; the names of the others are kept in `left_out`."""
    images = []
    for file in files:
        if is_image(file[0]):
            images.append(file)
        else:
            left_out["not images"].append(file[0])
    return images


def _instead(left_out: dict[str, list[str]]) -> str:
    """What there was in place of images: ` (found: 12 .txt, 1 .csv)`."""
    kinds = Counter(f".{name.rpartition('.')[2]}" for name in left_out["not images"])
    return f" (found: {', '.join(f'{n} {kind}' for kind, n in kinds.most_common(4))})" if kinds else ""
