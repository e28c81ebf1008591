"""Where decoded images are kept: a folder for each source, and in it a finished build for each image size.

    CACHE/photos-1f3a.../128x128x3-9c0e.../  pixels.npy  uint8 [N, C, H, W], mapped into memory when it is used
                                             files.npz   the verdicts
                                             MANIFEST.json

A build is written under another name and renamed when it is complete, so every folder that is seen is whole, whatever
died while it was written and however many processes write at once; equal names have equal contents.
"""

import json
import os
import shutil
from contextlib import suppress
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from uuid import uuid4

import numpy as np

from ravine.data.decoding import DECODER
from ravine.data.layout import Listing
from ravine.data.preprocessing import Preprocessing
from ravine.data.verdicts import Verdicts, same_files

MAKING = ".making-"  # how the name of an unfinished build begins


@dataclass(frozen=True)
class Build:
    """A complete decoding of a listing at one size."""

    folder: Path
    listing: str  # fingerprint
    preprocessing: Preprocessing
    shape: tuple[int, ...]

    def pixels(self) -> np.ndarray:
        """uint8 `[N, C, H, W]`, read from disk as it is touched; rows of unreadable files are 0."""
        return np.load(self.folder / "pixels.npy", mmap_mode="r")

    def verdicts(self) -> Verdicts:
        """What was found about the N files."""
        return Verdicts.load(self.folder / "files.npz")

    def same_files(self, listing: Listing) -> np.ndarray:
        """For each file of the listing its row here, -1 where it is new or has changed: int64 `[N]`."""
        return same_files(self.folder / "files.npz", listing)


def entry_folder(source: Path, cache: str | os.PathLike[str] | None) -> Path:
    """The cache folder of a source; the cache is the argument, else `$RAVINE_CACHE`, else `~/.cache/ravine`."""
    source = source.absolute()
    root = Path(cache or os.environ.get("RAVINE_CACHE") or Path.home() / ".cache" / "ravine")
    readable = "".join(c if c.isascii() and (c.isalnum() or c in "-_.") else "_" for c in source.stem[:40])
    return root / f"{readable}-{sha256(os.fsencode(source)).hexdigest()[:16]}"


def find_builds(entry: Path) -> tuple[list[Build], list[str]]:
    """The builds in a cache folder that this version's decoder made, newest first.

    A damaged one is removed; the second list names those, for nothing is made anew without a word.
    """
    builds, damaged = [], []
    for folder in entry.glob("*x*x*-*/"):
        try:
            manifest = json.loads((folder / "MANIFEST.json").read_text())
            for name, size in manifest["bytes"].items():
                if (folder / name).stat().st_size != size:
                    raise ValueError(name)
            build = Build(folder, manifest["listing"], Preprocessing(*manifest["size"]), tuple(manifest["shape"]))
            if build.pixels().shape != build.shape or len(build.verdicts().heights) != build.shape[0]:
                raise ValueError("shape")
        except Exception:  # whatever broke it: there is nothing in a cache that cannot be made anew
            if folder.is_dir():  # else another process has just replaced it
                remove(folder)
                damaged.append(str(folder))
            continue
        if manifest["decoder"] == DECODER:
            builds.append((manifest["made"], build))
    return [build for _, build in sorted(builds, key=lambda pair: -pair[0])], damaged


def remove(folder: Path) -> None:
    """Takes a build away in one step, so that nobody meets half of one; memory maps of it stay good."""
    gone = folder.with_name(f"{MAKING}{uuid4().hex[:8]}")
    with suppress(OSError):  # another process was faster, or Windows has it open
        folder.rename(gone)
        shutil.rmtree(gone, ignore_errors=True)
