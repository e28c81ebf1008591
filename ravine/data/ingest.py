"""From a listing to pixels, each file decoded once: what a former build knows is taken over, threads do the rest."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from time import monotonic
from typing import TypeVar

import numpy as np

from ravine.data.cache import Build, find_builds
from ravine.data.cache_writer import write_build
from ravine.data.decoding import examine
from ravine.data.layout import Listing
from ravine.data.parallel import in_order, threads_for
from ravine.data.pixels import GRAY_MODES
from ravine.data.preprocessing import Preprocessing, Size, choose, preprocess
from ravine.data.sources import Read
from ravine.data.verdicts import Verdicts, digest
from ravine.data.zips import MAX_BYTES
from ravine.errors import DataError

_T = TypeVar("_T")
Progress = Callable[[int, int], None]
_CHUNK_BYTES = 2**20  # of pixels that a thread decodes at a time
_HEAD = 2**18  # bytes in which nearly every header ends


@dataclass(frozen=True)
class Prepared:
    """A listing's pixels `uint8 [N, C, H, W]` (rows of unreadable files are 0) and what was found on the way."""

    pixels: np.ndarray
    verdicts: Verdicts
    preprocessing: Preprocessing | None
    why: str
    damaged: list[str]


def prepare(listing: Listing, read: Read, size: Size, entry: Path, progress: Progress | None) -> Prepared:
    """The listing's images at one size, from the cache folder `entry` or decoded into it; no pixels if none is good.

    Raises:
        UsageError: not a size. SaveError: no room for the pixels.
    """
    builds, damaged = find_builds(entry)
    fingerprint = listing.fingerprint()
    current = [build for build in builds if build.listing == fingerprint and not _healed(build, listing, read)]
    verdicts = current[0].verdicts() if current else _carried_over(builds[:1], listing)
    n = len(listing.names)
    bar = _Throttled(progress, n, n + len(verdicts.unknown()))
    _examine(listing, read, verdicts, bar)
    sized = verdicts.heights > 0  # also if the pixels prove damaged later: the next load has to choose the same size
    if not sized.any():
        return Prepared(np.empty((n, 0, 0, 0), np.uint8), verdicts, None, "no image can be read", damaged)
    gray = all(verdicts.kind_names[kind][1] in GRAY_MODES for kind in np.unique(verdicts.kinds[sized]))
    preprocessing, why = choose(verdicts.heights[sized], verdicts.widths[sized], gray, size)
    build = next((build for build in current if build.preprocessing == preprocessing), None)
    if build:
        verdicts = build.verdicts()
    else:
        donor = next((build for build in builds if build.preprocessing == preprocessing), None)
        chunks = _decoded(listing, read, verdicts, preprocessing, donor, bar)
        build = write_build(entry, listing, verdicts, preprocessing, chunks)
    bar.finish()
    return Prepared(build.pixels(), verdicts, preprocessing, why, damaged)


def _carried_over(builds: list[Build], listing: Listing) -> Verdicts:
    """What a former build knows about the files that have not changed since."""
    verdicts = Verdicts.blank(len(listing.names))
    for build in builds:
        verdicts.adopt(build.verdicts(), build.same_files(listing))
    return verdicts


def _healed(build: Build, listing: Listing, read: Read) -> bool:
    """Whether a file that could not be read when this was built can be read now (its time stamp does not tell)."""
    blank = Verdicts.blank(len(listing.names))
    return any(_attempt(listing, read, blank, i, bool) is not None for i in build.verdicts().unread)


def _examine(listing: Listing, read: Read, verdicts: Verdicts, bar: "_Throttled") -> None:
    """Fills in the verdicts of the files that are new, from their headers."""
    todo = verdicts.unknown()

    def work(start: int, stop: int) -> int:
        for i in todo[start:stop].tolist():
            header = _attempt(listing, read, verdicts, i, examine, _HEAD)
            if header:
                verdicts.note(i, header)
        return stop - start

    for done in in_order(work, len(todo), 64, threads_for(listing.sizes[todo])):
        bar.advance(done)


def _decoded(
    listing: Listing, read: Read, verdicts: Verdicts, to: Preprocessing, donor: Build | None, bar: "_Throttled"
) -> Iterator[np.ndarray]:
    """The pixels of all files in chunks `uint8 [n, C, H, W]`; digests and reasons go into the verdicts."""
    shape = (to.channels, to.height, to.width)
    rows, donated = _donated(donor, listing)

    def work(start: int, stop: int) -> np.ndarray:
        chunk = np.zeros((stop - start, *shape), np.uint8)
        for i, row in enumerate(chunk, start):
            if rows[i] >= 0:
                row[:] = donated[rows[i]]
            elif i not in verdicts.reasons:
                pixels = _attempt(listing, read, verdicts, i, lambda data: preprocess(data, to))
                if pixels is not None:
                    row[:] = pixels
            verdicts.digests[i] = digest(row)
        return chunk

    step = max(1, _CHUNK_BYTES // int(np.prod(shape)))
    for chunk in in_order(work, len(listing.names), step, threads_for(listing.sizes)):
        yield chunk
        bar.advance(len(chunk))


def _donated(donor: Build | None, listing: Listing) -> tuple[np.ndarray, np.ndarray]:
    """For each file the row int64 `[N]` in a former build's pixels that it still has, or -1; and those pixels."""
    if donor is None:
        return np.full(len(listing.names), -1), np.empty(0)
    rows = donor.same_files(listing)
    return np.where((rows >= 0) & donor.verdicts().readable()[rows], rows, -1), donor.pixels()


def _attempt(
    listing: Listing, read: Read, verdicts: Verdicts, i: int, use: Callable[[bytes], _T], limit: int = -1
) -> _T | None:
    """`use(bytes of file i)`; or None, and the reason in the verdicts."""
    try:
        if listing.sizes[i] > MAX_BYTES:
            raise OSError(f"{listing.sizes[i]:,} bytes, the limit for one image is {MAX_BYTES:,}")
        data = read(listing.names[i], limit)
    except Exception as error:  # OSError from a disk; BadZipFile, zlib.error, NotImplementedError, ... from a zip
        verdicts.reasons[i] = getattr(error, "strerror", None) or str(error) or type(error).__name__
        verdicts.unread.add(i)
        return None
    try:
        return use(data)
    except DataError as error:
        if len(data) == limit:  # a header that is longer than the part that was read
            return _attempt(listing, read, verdicts, i, use)
        verdicts.reasons[i] = error.what
        return None


class _Throttled:
    """Passes (images done, images) on at most ten times a second, and at the end; headers and pixels are half each."""

    def __init__(self, progress: Progress | None, total: int, work: int):
        self.progress, self.total, self.work, self.done, self.last = progress, total, work, 0, 0.0

    def advance(self, n: int) -> None:
        self.done += n
        if self.progress and monotonic() - self.last >= 0.1:
            self.last = monotonic()
            self.progress(self.done * self.total // self.work, self.total)

    def finish(self) -> None:
        if self.progress and self.done:
            self.progress(self.total, self.total)
