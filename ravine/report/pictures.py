"""shown.npz: the few pictures that a report shows, small, so that it needs the data no more."""

import io
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image

from ravine.errors import DataError

LONGEST = 96  # pixels of a picture's longer side


def pictures_file(rows: np.ndarray, pixels: np.ndarray) -> bytes:
    """The file's bytes, which are equal for equal pictures.

    Args:
        rows: int64 `[M]`, which row of predictions.csv each picture belongs to.
        pixels: uint8 `[M, C, H, W]` with C 1 or 3.
    """
    small = np.stack([_small(picture) for picture in pixels]) if len(pixels) else pixels
    file = io.BytesIO()
    np.savez_compressed(file, row=rows, pixels=small)
    return file.getvalue()


def read_pictures(path: Path) -> Callable[[int], bytes | None]:
    """From a row of predictions.csv to its picture as PNG; None where the file (or the row) is not there.

    Raises:
        DataError: the file is damaged.
    """
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as saved:
            rows, pixels = saved["row"].tolist(), saved["pixels"]
        if pixels.dtype != np.uint8 or pixels.ndim != 4 or pixels.shape[1] not in (1, 3) or len(rows) != len(pixels):
            raise ValueError(f"{pixels.dtype} {pixels.shape}")
    except FileNotFoundError:
        return lambda _: None
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
        raise DataError(f"cannot be read ({error})", where=str(path), expected="pictures that ravine kept") from error
    place = {row: i for i, row in enumerate(rows)}
    return lambda row: as_png(_image(pixels[place[row]])) if row in place else None


def as_png(image: Image.Image) -> bytes:
    """A picture's bytes as a PNG file."""
    file = io.BytesIO()
    image.save(file, "PNG", optimize=True)
    return file.getvalue()


def _small(pixels: np.ndarray) -> np.ndarray:
    """`[C, H, W]` with its longer side brought to 96 pixels where it is longer."""
    _, height, width = pixels.shape
    scale = LONGEST / max(height, width)
    if scale >= 1:
        return pixels
    size = max(1, round(width * scale)), max(1, round(height * scale))
    small = np.asarray(_image(pixels).resize(size, Image.Resampling.LANCZOS))
    return small.reshape(*small.shape[:2], -1).transpose(2, 0, 1)


def _image(pixels: np.ndarray) -> Image.Image:
    rows = np.ascontiguousarray(pixels.transpose(1, 2, 0))
    return Image.fromarray(rows.squeeze(2) if rows.shape[2] == 1 else rows)
