"""Bytes that survive a power cut, and the one line that says why they could not be written."""

import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

from ravine.errors import SaveError

Chunks = Iterable[bytes | memoryview]


@contextmanager
def saving(path: Path, *, kept: Sequence[str] = ()) -> Iterator[None]:
    """Turns an OSError inside the block into a SaveError: `path`, the cause, what is `kept` from before, the cure."""
    try:
        yield
    except OSError as error:
        untouched = f"{', '.join(kept)} is untouched. " if kept else ""
        cure = f"{untouched}Make room, or choose another folder, and run it again"
        raise SaveError(f"cannot be written ({error.strerror or error})", where=str(path), cure=cure) from error


def write_synced(path: Path, chunks: Chunks, mode: Literal["wb", "ab"] = "wb") -> None:
    """Writes (`wb`) or appends (`ab`) the chunks and waits until the disk has them. Raises OSError."""
    with path.open(mode) as file:
        for chunk in chunks:
            file.write(chunk)
        file.flush()
        os.fsync(file.fileno())


def sync_folder(folder: Path) -> None:
    """Waits until the disk has the names in `folder`: a file that was renamed is safe only after this.

    Windows has no such call (and journals its renames), so nothing happens there.
    """
    if os.name == "nt":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
