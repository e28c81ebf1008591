"""What lies in a folder, names and sizes only: the one picture of DATA, whether it came from a disk or from a zip."""

import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from ravine.errors import DataError

EXTENSIONS = frozenset((".jpg", ".jpeg", ".jpe", ".png", ".webp", ".bmp", ".gif", ".tif", ".tiff"))
_LINKS_FOLLOWED = 10_000  # folders that link to each other in a net would be walked in every order

File = tuple[str, int, int]
"""Name, bytes, and a stamp that changes when the content does."""


@dataclass
class Folder:
    """A folder's sub-folders by name, and its files."""

    folders: dict[str, "Folder"] = field(default_factory=dict)
    files: list[File] = field(default_factory=list)

    def walk(self, prefix: str) -> Iterator[File]:
        """All files below, their names starting with `prefix`; not recursive, so that no depth is too deep."""
        waiting = [(prefix, self)]
        while waiting:
            at, folder = waiting.pop()
            for name, size, stamp in folder.files:
                yield at + name, size, stamp
            waiting += [(f"{at}{name}/", inner) for name, inner in folder.folders.items()]


def is_image(name: str) -> bool:
    """Whether the file's extension is one that ravine reads."""
    return f".{name.rpartition('.')[2].lower()}" in EXTENSIONS


def is_ignored(name: str) -> bool:
    """Whether a system left this file or folder behind: `.DS_Store`, `__MACOSX`, `Thumbs.db`, ..."""
    return name.startswith(".") or name.lower() in ("__macosx", "thumbs.db", "desktop.ini")


def read_tree(root: Path) -> tuple[Folder, list[str]]:
    """Walks a folder on disk; the stamp of a file is its modification time in nanoseconds.

    Links to folders are followed, except back into a folder that they are in.

    Returns:
        The tree, and what could not be listed, one line each.

    Raises:
        DataError: the folder itself cannot be listed, or its links make a net without an end.
    """
    top, trouble, links = Folder(), [], 0
    waiting = [(os.fspath(root), "", top, frozenset[tuple[int, int]]())]
    while waiting:
        path, rel, folder, above = waiting.pop()
        try:
            inside = above | {_identity(os.stat(path))}
            folders = _fill(folder, path, rel, trouble)
        except OSError as error:
            if not rel:
                raise DataError(
                    error.strerror or str(error), where=path, expected="a folder that can be read"
                ) from None
            trouble.append(f"{rel}: {error.strerror}")
            continue
        for entry in folders:
            if entry.is_symlink():
                links += 1
                if _identity(entry.stat()) in inside:
                    trouble.append(f"{rel}{entry.name}: a link back into a folder that it is in")
                    continue
            inner = folder.folders[entry.name] = Folder()
            waiting.append((entry.path, f"{rel}{entry.name}/", inner, inside))
        if links > _LINKS_FOLLOWED:
            raise DataError("folders link to each other without an end", where=path, cure="Remove the links")
    return top, sorted(trouble)


def _fill(folder: Folder, path: str, rel: str, trouble: list[str]) -> list["os.DirEntry[str]"]:
    """Notes the files of one directory, one system call each, and returns its sub-folders."""
    folders = []
    with os.scandir(path) as entries:
        for entry in entries:
            name = entry.name
            if is_ignored(name):
                continue
            try:
                status = entry.stat()
            except OSError:  # a link to nowhere or to itself: reading it will say why
                folder.files.append((name, 0, 0))
                continue
            if stat.S_ISREG(status.st_mode):
                folder.files.append((name, status.st_size, status.st_mtime_ns))
            elif stat.S_ISDIR(status.st_mode):
                folders.append(entry)
            else:  # opening a pipe would wait for ever
                trouble.append(f"{rel}{name}: not a regular file")
    return folders


def _identity(status: os.stat_result) -> tuple[int, int]:
    return status.st_dev, status.st_ino
