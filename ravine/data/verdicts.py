"""What is known about each image file of a listing, in columns, so that no file is opened to learn the same again."""

import json
from dataclasses import dataclass, field
from hashlib import blake2b
from pathlib import Path

import numpy as np

from ravine.data.decoding import Header
from ravine.data.layout import Listing


@dataclass
class Verdicts:
    """Columns over the N files of a listing.

    Attributes:
        heights, widths: int32 `[N]`, in pixels as displayed; 0 where the header was not read yet.
        kinds: int16 `[N]`, an index into `kind_names` ("JPEG RGB").
        digests: uint64 `[N]`, BLAKE2b of the prepared pixels.
        reasons: why file i cannot be used.
        unread: those of them whose bytes could not even be read (permission, disk error): worth another try.
    """

    heights: np.ndarray
    widths: np.ndarray
    kinds: np.ndarray
    digests: np.ndarray
    kind_names: list[tuple[str, str]] = field(default_factory=list)
    reasons: dict[int, str] = field(default_factory=dict)
    unread: set[int] = field(default_factory=set)

    @staticmethod
    def blank(n: int) -> "Verdicts":
        """Nothing is known of n files."""
        return Verdicts(np.zeros(n, np.int32), np.zeros(n, np.int32), np.zeros(n, np.int16), np.zeros(n, np.uint64))

    def readable(self) -> np.ndarray:
        """Bool `[N]`: no reason against the file so far."""
        mask = np.ones(len(self.heights), bool)
        mask[list(self.reasons)] = False
        return mask

    def unknown(self) -> np.ndarray:
        """int64 indices of the files whose header has to be read."""
        return np.flatnonzero(self.readable() & (self.heights == 0))

    def sides(self) -> dict[str, np.ndarray]:
        """The columns of pixels by the name of the side."""
        return {"height": self.heights, "width": self.widths}

    def note(self, i: int, header: Header) -> None:
        """Enters what file i's header says."""
        kind = (header.format, header.mode)
        if kind not in self.kind_names:
            self.kind_names.append(kind)
        self.heights[i], self.widths[i], self.kinds[i] = header.height, header.width, self.kind_names.index(kind)

    def adopt(self, other: "Verdicts", theirs: np.ndarray) -> None:
        """Takes over file `theirs[i]` of another table as file i, where it is not negative and its bytes were read."""
        theirs = np.where(np.isin(theirs, list(other.unread)), -1, theirs)
        known = theirs >= 0
        for ours, source in zip(self._columns().values(), other._columns().values(), strict=True):
            ours[known] = source[theirs[known]]
        self.kind_names = list(other.kind_names)
        self.reasons = {i: other.reasons[j] for i, j in enumerate(theirs.tolist()) if j in other.reasons}

    def save(self, path: Path, listing: Listing) -> None:
        """Writes the table with the names, sizes and stamps that it belongs to."""
        text = {"kinds": self.kind_names, "reasons": sorted(self.reasons.items()), "unread": sorted(self.unread)}
        columns = {
            "names": np.frombuffer("\0".join(listing.names).encode("utf-8", "surrogateescape"), np.uint8),
            "sizes": listing.sizes,
            "stamps": listing.stamps,
            "text": np.frombuffer(json.dumps(text).encode(), np.uint8),
        }
        np.savez(path, allow_pickle=False, **columns, **self._columns())

    @staticmethod
    def load(path: Path) -> "Verdicts":
        """Reads a table. Raises OSError, ValueError or KeyError where the file is damaged."""
        with open(path, "rb") as file, np.load(file, allow_pickle=False) as saved:
            text = json.loads(saved["text"].tobytes())
            heights, widths, kinds, digests = (saved[name] for name in ("heights", "widths", "kinds", "digests"))
        kind_names = [(format_, mode) for format_, mode in text["kinds"]]
        return Verdicts(heights, widths, kinds, digests, kind_names, dict(text["reasons"]), set(text["unread"]))

    def _columns(self) -> dict[str, np.ndarray]:
        return {"heights": self.heights, "widths": self.widths, "kinds": self.kinds, "digests": self.digests}


def same_files(path: Path, listing: Listing) -> np.ndarray:
    """For each file of the listing its index in a saved table, -1 where it is new or has changed: int64 `[N]`."""
    with open(path, "rb") as file, np.load(file, allow_pickle=False) as saved:
        names = saved["names"].tobytes().decode("utf-8", "surrogateescape").split("\0")
        sizes, stamps = saved["sizes"], saved["stamps"]
    row = {name: i for i, name in enumerate(names)}
    found = np.array([row.get(name, -1) for name in listing.names])
    same = (found >= 0) & (sizes[found] == listing.sizes) & (stamps[found] == listing.stamps)
    return np.where(same, found, -1)


def digest(row: np.ndarray) -> int:
    """64 bits of BLAKE2b over an example's values: equal examples have equal digests."""
    return int.from_bytes(blake2b(np.ascontiguousarray(row).data, digest_size=8).digest(), "little")
