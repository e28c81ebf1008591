"""A file that is whole or absent: written beside its place, synced, then renamed into it."""

import os
from contextlib import suppress
from pathlib import Path

from ravine.checkpoints.durable import Chunks, sync_folder, write_synced


def write(path: Path, chunks: Chunks) -> None:
    """Replaces `path` by the chunks; whatever happens, `path` holds the old bytes or the new ones, never a mixture.

    The temporary's name is fixed, so what a kill left there is overwritten by the next write. One writer a path.

    Raises:
        OSError: the file system refused; the old file is untouched. Callers say what it was for with `saving`.
    """
    temporary = path.with_name(f".{path.name}.tmp")
    try:
        write_synced(temporary, chunks)
        os.replace(temporary, path)
    finally:
        with suppress(OSError):  # the first error is the one to report
            temporary.unlink()
    sync_folder(path.parent)
