"""Finds what DATA is: a folder, a zip of one, or arrays; lists it, and opens nothing that it does not have to."""

import os
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ravine.data.layout import Listing, arrange
from ravine.data.tree import read_tree
from ravine.data.zips import Zip
from ravine.errors import DataError

Read = Callable[[str, int], bytes]
"""`read(name, limit)`: the first `limit` bytes of the file `name` of a listing, all of them where limit is -1."""


def location(source: Any) -> str | None:
    """Where DATA lies: its absolute path, `~` expanded, or "digits" for that word (not a path); None for arrays."""
    if not isinstance(source, str | os.PathLike):
        return None
    return "digits" if source == "digits" else os.path.abspath(os.path.expanduser(source))


def name_of(path: str | os.PathLike[str]) -> str:
    """What the data at a path is called: the folder's name, or the file's without its ending."""
    place = Path(path)
    return (place.resolve().name if place.is_dir() else place.stem) or "data"


@contextmanager
def listed(path: Path) -> Iterator[tuple[Listing, Read]]:
    """The images in a folder or a zip, and the means to read them while the context is open.

    Raises:
        DataError: no such path, not a folder or zip, or no layout that is understood.
    """
    if path.is_dir():
        tree, trouble = read_tree(path)
        yield _with_trouble(arrange(tree, str(path)), trouble), _reader(path)
    elif zipfile.is_zipfile(path):
        archive = Zip(path)
        try:
            yield _with_trouble(arrange(archive.tree(), str(path)), archive.trouble), archive.read
        finally:
            archive.close()
    else:
        raise _neither(path)


def _with_trouble(listing: Listing, trouble: list[str]) -> Listing:
    listing.left_out["cannot be listed"] = trouble
    return listing


def _reader(root: Path) -> Read:
    prefix = f"{root}/"

    def read(name: str, limit: int = -1) -> bytes:
        with open(prefix + name, "rb", buffering=0) as file:
            return file.read(limit)

    return read


def _neither(path: Path) -> DataError:
    expected = "a folder of class folders, a .zip of one, an .npz with x and y, or the word digits"
    if not path.exists():
        nearest = next(parent for parent in path.absolute().parents if parent.exists())
        return DataError("no such folder or file", where=str(path), expected=expected, cure=f"{nearest} exists")
    cure = "Is it complete?" if path.suffix.lower() == ".zip" else ""
    return DataError("neither a folder nor a zip", where=str(path), expected=expected, cure=cure)
