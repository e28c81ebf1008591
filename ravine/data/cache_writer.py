"""Writes a build of the cache: all of it, or nothing."""

import json
import os
import shutil
import time
from collections.abc import Iterable
from contextlib import suppress
from hashlib import sha256
from pathlib import Path
from uuid import uuid4

import numpy as np

from ravine.data.cache import MAKING, Build, remove
from ravine.data.decoding import DECODER
from ravine.data.layout import Listing
from ravine.data.preprocessing import Preprocessing
from ravine.data.verdicts import Verdicts
from ravine.errors import SaveError

_A_DAY = 86_400


def write_build(
    entry: Path, listing: Listing, verdicts: Verdicts, preprocessing: Preprocessing, chunks: Iterable[np.ndarray]
) -> Build:
    """Writes the chunks `uint8 [n, C, H, W]`, in order, as a build, and removes the ones of this size that it replaces.

    The verdicts may still change while the chunks come.

    Raises:
        SaveError: no room, or no permission; nothing is left behind.
    """
    shape = (len(listing.names), preprocessing.channels, preprocessing.height, preprocessing.width)
    making = entry / f"{MAKING}{os.getpid()}-{uuid4().hex[:8]}"
    try:
        making.mkdir(parents=True)
        _check_room(entry, int(np.prod(shape, dtype=np.int64)))
        _write_pixels(making / "pixels.npy", shape, chunks)
        verdicts.save(making / "files.npz", listing)
        build = _finish(making, listing.fingerprint(), verdicts, preprocessing, shape)
    except OSError as error:
        raise _no_cache(entry, error.strerror or str(error)) from None
    finally:
        shutil.rmtree(making, ignore_errors=True)
    _clean(build)
    return build


def _write_pixels(path: Path, shape: tuple[int, ...], chunks: Iterable[np.ndarray]) -> None:
    # written, not mapped: a full disk is then an error that can be caught and not a SIGBUS
    with open(path, "wb") as file:
        np.lib.format.write_array_header_1_0(file, {"descr": "|u1", "fortran_order": False, "shape": shape})
        for chunk in chunks:
            file.write(chunk.data)
        file.flush()
        os.fsync(file.fileno())


def _finish(
    making: Path, fingerprint: str, verdicts: Verdicts, preprocessing: Preprocessing, shape: tuple[int, ...]
) -> Build:
    """The manifest, and the rename that makes the build visible."""
    size = (preprocessing.height, preprocessing.width, preprocessing.channels)
    manifest = {
        "listing": fingerprint,
        "decoder": DECODER,
        "size": size,
        "shape": shape,
        "made": time.time(),
        "bytes": {name: (making / name).stat().st_size for name in ("pixels.npy", "files.npz")},
    }
    (making / "MANIFEST.json").write_text(json.dumps(manifest))
    key = sha256(repr((fingerprint, DECODER, sorted(verdicts.unread))).encode()).hexdigest()[:16]
    folder = making.with_name("x".join(map(str, size)) + f"-{key}")
    try:
        making.rename(folder)
    except OSError:
        if not folder.is_dir():  # it is there if another process was faster, and then it is as good as ours
            raise
    return Build(folder, fingerprint, preprocessing, shape)


def _check_room(entry: Path, needed: int) -> None:
    free = shutil.disk_usage(entry).free
    if needed > free:
        raise _no_cache(entry, f"the decoded images need {needed / 1e6:,.2f} MB, {free / 1e6:,.2f} MB are free")


def _no_cache(entry: Path, what: str) -> SaveError:
    cure = "Choose a folder on another disk with --cache DIR, or smaller images with --size N"
    return SaveError(f"cannot keep the decoded images: {what}", where=str(entry), cure=cure)


def _clean(build: Build) -> None:
    """Removes the other builds of this size, and what a killed process left a day ago or before."""
    entry, size = build.folder.parent, build.folder.name.partition("-")[0]
    for folder in entry.glob(f"{size}-*/"):
        if folder != build.folder:
            remove(folder)
    for folder in entry.glob(f"{MAKING}*/"):
        with suppress(OSError):
            if time.time() - folder.stat().st_mtime > _A_DAY:
                shutil.rmtree(folder, ignore_errors=True)
