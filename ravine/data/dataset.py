"""A data set that is ready for training: splits with labels, and all that is known about them."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from ravine.data.findings import Findings
from ravine.data.preprocessing import Preprocessing
from ravine.data.split import Split
from ravine.errors import DataError


@dataclass(frozen=True)
class Dataset:
    """Splits that share their classes.

    Attributes:
        name: of the folder or file, for people.
        classes: sorted names; `y` is an index into them. From "train" where there is one, else from all splits.
        splits: by "train", "val" and "test", those that there are.
        preprocessing: what was done to each image, and is to be done to a new one; None where x are floats.
        findings: what the check found.
        fingerprint: SHA-256 over names, sizes and time stamps, or over the contents of arrays: other data, other value.
        unsplit: the source had no splits; all of it is "train".
    """

    name: str
    classes: tuple[str, ...]
    splits: Mapping[str, Split]
    preprocessing: Preprocessing | None
    findings: Findings
    fingerprint: str
    unsplit: bool = False

    @property
    def counts(self) -> dict[str, dict[str, int]]:
        """Images by split and class, as the splits are now."""
        found = {name: np.bincount(split.y, minlength=len(self.classes)) for name, split in self.splits.items()}
        return {name: dict(zip(self.classes, n.tolist(), strict=True)) for name, n in found.items()}

    def scored_split(self, wanted: str = "auto") -> tuple[str, str]:
        """The split to evaluate on, and how to say it: "test" if there is one, else "val", else all there is.

        Raises:
            DataError: the wanted split does not exist.
        """
        split = wanted if wanted != "auto" else next(name for name in ("test", "val", "train") if name in self.splits)
        if split not in self.splits:
            raise DataError(f"no split {wanted!r}", where=self.name, expected=f"one of {', '.join(self.splits)}")
        count = f"{len(self.splits[split]):,} images"
        return split, f"all {count}" if len(self.splits) == 1 and self.unsplit else f"the {split} split ({count})"
