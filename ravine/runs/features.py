"""Features of a data set as a pretrained network sees it: an ordinary .npz, for ravine, scikit-learn or anybody."""

import io
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ravine.checkpoints import atomic
from ravine.checkpoints.durable import saving
from ravine.devices import device_named
from ravine.errors import DataError, UsageError
from ravine.recipe import Recipe
from ravine.runs.backbone import backbone
from ravine.runs.weights_and_data import weights_and_data
from ravine.training.console import Console


@dataclass(frozen=True)
class Features:
    """What one block gives for every image of a data set.

    Attributes:
        weights, data: where both are from.
        block: its name.
        classes: names; `y` is an index into them.
        x: float32 `[N, F]` by "train", "val" and "test", the splits that the data has.
        y: int64 `[N]`, likewise.
        names: path (or array position) of each image, likewise, in the order of the rows.
    """

    weights: str
    data: str
    block: str
    classes: tuple[str, ...]
    x: dict[str, np.ndarray]
    y: dict[str, np.ndarray]
    names: dict[str, tuple[str, ...]]

    @property
    def width(self) -> int:
        """F, numbers an image."""
        return next(iter(self.x.values())).shape[1]

    def arrays(self) -> dict[str, np.ndarray]:
        """x, y, x_val, y_val, x_test, y_test (those that there are) and classes: a data set that ravine reads."""
        named = {}
        for split in self.x:
            ending = "" if split == "train" else f"_{split}"
            named |= {f"x{ending}": self.x[split], f"y{ending}": self.y[split]}
        return named | {"classes": np.array(self.classes)}

    def save(self, path: str | os.PathLike[str]) -> None:
        """Writes `arrays()` to an .npz, atomically. Raises UsageError for another ending, SaveError where it cannot."""
        path = checked(path)
        buffer = io.BytesIO()
        arrays: dict[str, Any] = self.arrays()
        np.savez(buffer, **arrays)
        with saving(path):
            atomic.write(path, [buffer.getbuffer()])

    def to_json(self) -> dict[str, Any]:
        """All but the features themselves."""
        counts = {split: len(y) for split, y in self.y.items()}
        plain = {"weights": self.weights, "data": self.data, "block": self.block, "width": self.width}
        return {**plain, "classes": list(self.classes), "images": counts}


def features(
    weights: Any,
    source: Any,
    *,
    block: str = "auto",
    member: int = 0,
    model: str = "auto",
    normalize: str = "auto",
    size: int | str = "auto",
    max_bad: float = 0.01,
    device: str = "auto",
    cache: str | os.PathLike[str] | None = None,
    quiet: bool = False,
) -> Features:
    """What a block of a pretrained network gives for each image, in eval mode, averaged over positions or tokens.

    Args:
        weights: a run, its folder, a weights file of ravine's or anybody's, timm:NAME or hf-hub:NAME.
        source: the data: a folder of images, a zip, an `.npz`, `digits` or arrays `(x, y)`.
        block: a block's name or number from 1; "auto" is what the head is given.
        member: which of several networks, from 0.
        model, normalize: of a file of others' making; see `ravine.pretrained.sources.start_from`.
        size: side in pixels that images are brought to; auto is what the weights were trained on.
        max_bad: share of unreadable images that is accepted.
        device: auto, cpu, cuda, ...
        cache: where decoded images are kept; `~/.cache/ravine` where None.
        quiet: show warnings only.

    Raises:
        RavineError: weights or data that cannot be read or do not go together, no such block or member.
    """
    asked = Recipe(model=model, normalize=normalize, size=size, max_bad=max_bad)  # pyright: ignore[reportArgumentType]
    console, on = Console(quiet=quiet), device_named(device)
    start, dataset = weights_and_data(weights, source, asked, member, cache, console)
    if "train" not in dataset.splits:
        found = f"only {' and '.join(dataset.splits)}"
        cure = f"Give {dataset.name}/{next(iter(dataset.splits))} itself: images without splits are x and y"
        raise DataError(found, where=dataset.name, expected="training images, which are x and y", cure=cure)
    if start.learned_on(dataset.fingerprint, member):
        console.warn("the weights have learned images of this very data, which their features tell apart too well")
    network = backbone(start, dataset.splits["train"], member, on)
    depth = network.depth(block)
    if len(start.states) > 1:
        console.say(f"features of member {member} of {len(start.states)} (--member)")
    x = {}
    for split, images in dataset.splits.items():
        (rows,) = network.features(images, [depth], console.passing)
        x[split] = rows.numpy()
    console.close()
    y = {split: images.y for split, images in dataset.splits.items()}
    names = {split: tuple(images.names) for split, images in dataset.splits.items()}
    return Features(start.source, dataset.name, network.names[depth - 1], dataset.classes, x, y, names)


def checked(path: str | os.PathLike[str]) -> Path:
    """The path of a file to write. Raises UsageError for an ending that is not .npz."""
    path = Path(path)
    if path.suffix.lower() != ".npz":
        raise UsageError("unknown ending", where=f"--out {path}", expected=".npz")
    return path
