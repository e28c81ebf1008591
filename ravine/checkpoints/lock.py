"""One trainer a run folder, by a lock that ends with its process, however that ends."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ravine.checkpoints.durable import saving
from ravine.errors import RunInUseError, UsageError


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Holds an exclusive `flock` on the file `path`, which then contains this process's id.

    The kernel drops the lock with the process, so there is no stale lock to clean up; the file itself stays. A child
    made by fork shares the lock until it ends too.

    Raises:
        RunInUseError: another process (or another place in this one) holds it; names the process.
        SaveError: the file cannot be made or locked.
        UsageError: on Windows, which has no flock.
    """
    try:
        import fcntl
    except ImportError:
        raise UsageError("run folders need file locks", where=os.name, expected="Linux, macOS or WSL") from None
    with saving(path):
        handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
    try:
        with saving(path):
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise _in_use(path, os.pread(handle, 20, 0).decode(errors="replace").strip()) from None
            os.ftruncate(handle, 0)
            os.pwrite(handle, f"{os.getpid()}\n".encode(), 0)
        yield
    finally:
        os.close(handle)


def held(path: Path) -> bool:
    """Whether someone, this process included, holds the lock on `path`.

    Looks by taking a shared lock for a moment; no file is made. False where there is no file, or no flock.
    """
    try:
        import fcntl

        handle = os.open(path, os.O_RDONLY)
    except (ImportError, OSError):
        return False
    try:
        fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:  # a file system without locks
        return False
    finally:
        os.close(handle)
    return False


def _in_use(path: Path, pid: str) -> RunInUseError:
    who = f"process {pid}" if pid else "another process"
    return RunInUseError(f"{who} is training in this run folder", where=str(path.parent), cure="Wait for it or stop it")
