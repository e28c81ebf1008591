"""Whatever a person hands to `predict`, one image after the other."""

from collections.abc import Iterable, Iterator, Sequence
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np

from ravine import data
from ravine.errors import DataError, UsageError


def named_images(images: Any) -> Iterator[tuple[str, Any]]:
    """Name and image (a path, or pixels `uint8 [H, W, 1|3]`) of each, in the order given; folders are walked, sorted.

    Args:
        images: a path of an image or a folder, an image as `uint8 [H, W]` or `[H, W, 1|3]`, or any nesting of these.

    Raises:
        DataError: a path that does not exist, or a folder without images.
        UsageError: neither a path nor such an array.
    """
    if isinstance(images, np.ndarray):
        yield "#0", _pixels(images)
    elif isinstance(images, str | PathLike):
        yield from ((str(path), path) for path in _paths(Path(images)))
    elif isinstance(images, Sequence | Iterable):
        for i, image in enumerate(images):
            yield from ((f"#{i}" if name == "#0" else name, one) for name, one in named_images(image))
    else:
        raise UsageError(f"cannot predict a {type(images).__name__}", where="predict", expected="paths or uint8 arrays")


def _pixels(image: np.ndarray) -> np.ndarray:
    pixels = image[..., None] if image.ndim == 2 else image
    if pixels.dtype != np.uint8 or pixels.ndim != 3 or pixels.shape[2] not in (1, 3):
        expected = "an image uint8 [H, W] or [H, W, 1|3], or one array [N, ...] of images"
        raise UsageError(f"{image.dtype} {image.shape}", where="predict", expected=expected)
    return pixels


def _paths(path: Path) -> list[Path]:
    if not path.exists():
        raise DataError("no such file or folder", where=str(path), expected="an image or a folder of images")
    if not path.is_dir():
        return [path]
    images = (p for p in path.rglob("*") if p.suffix.lower() in data.EXTENSIONS and p.is_file())
    found = sorted(p for p in images if not any(map(data.is_ignored, p.relative_to(path).parts)))
    if not found:
        raise DataError("no images in this folder", where=str(path), expected=", ".join(sorted(data.EXTENSIONS)))
    return found
