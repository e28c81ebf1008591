"""The same geometry for training, evaluation and a single prediction: scale, crop the centre, match the channels."""

from collections.abc import Callable
from dataclasses import dataclass
from os import PathLike
from pathlib import Path

import numpy as np
from PIL import Image

from ravine.data.decoding import decode
from ravine.errors import DataError, RavineError, UsageError

AS_THEY_ARE = 96  # images of one common size up to here are small already: no pixel is touched
PHOTO_SIDE = 128


@dataclass(frozen=True)
class Preprocessing:
    """The shape `uint8 [channels, height, width]` that every image is brought to.

        >>> Preprocessing(32, 32, 3)
        Preprocessing(height=32, width=32, channels=3)

    `dataclasses.asdict(p)` goes into JSON and `Preprocessing(**values)` comes back.
    """

    height: int
    width: int
    channels: int

    def __post_init__(self) -> None:
        if self.channels not in (1, 3) or not 1 <= min(self.height, self.width) <= max(self.height, self.width) <= 4096:
            raise DataError("not a usable image shape", where=str(self), expected="sides 1..4096, 1 or 3 channels")


Side = Callable[[int, int], int]  # (images, the side that suits them) -> the side to take, no larger
Size = int | str | Preprocessing | Side


def preprocess(image: bytes | str | PathLike[str] | np.ndarray, to: Preprocessing) -> np.ndarray:
    """An image file (its bytes or its path), or pixels `uint8 [H, W, 1|3]`, as `uint8 [C, H, W]` of `to`'s shape.

    An image of another size is scaled, with antialiasing (bicubic), so that it just covers `to`; what stands out is cut
    off evenly on both sides. An image that has the size already keeps every value.

    Raises:
        DataError: the image cannot be read, says why, and where if a path was given; or pixels of another kind.
    """
    if isinstance(image, str | PathLike):
        try:
            return preprocess(Path(image).read_bytes(), to)
        except OSError as error:
            raise DataError(error.strerror or str(error), where=str(image), expected="an image file") from None
        except RavineError as error:
            raise DataError(error.what, where=str(image)) from None
    if isinstance(image, np.ndarray) and (image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] not in (1, 3)):
        raise DataError(f"{image.dtype} {image.shape}", where="image", expected="uint8 [H, W, 1|3]")
    # twice the target is what the antialiasing filter needs to see
    pixels = image if isinstance(image, np.ndarray) else decode(image, smallest=2 * max(to.height, to.width))
    pixels = _resized(_with_channels(pixels, to.channels), to.height, to.width)
    return np.ascontiguousarray(pixels.transpose(2, 0, 1))


def choose(heights: np.ndarray, widths: np.ndarray, gray: bool, size: Size) -> tuple[Preprocessing, str]:
    """The preprocessing for a data set with these image sizes `[N]`, and the reason in words.

    Args:
        gray: whether every image is gray, so that one channel says it all.
        size: `"auto"`, the side of the square in pixels (8..1024), the answer itself, or what may take less than
            `"auto"` would.

    Raises:
        UsageError: any other size.
    """
    if isinstance(size, Preprocessing):
        return size, "as the network was trained"
    if callable(size):
        to, why = choose(heights, widths, gray, "auto")
        suits = min(to.height, to.width)
        side = size(len(heights), suits)
        smaller = f"{side} x {side}, for which there is time; --size N for another"
        return (to, why) if side >= suits else (Preprocessing(side, side, to.channels), smaller)
    channels = 1 if gray else 3
    if size != "auto":
        if isinstance(size, bool) or not isinstance(size, int | np.integer) or not 8 <= size <= 1024:
            raise UsageError("cannot be the image size", where=f"--size {size}", expected="auto or 8..1024")
        return Preprocessing(int(size), int(size), channels), f"{size} x {size}, as asked for"
    height, width = int(heights[0]), int(widths[0])
    same = bool((heights == height).all() and (widths == width).all())
    if same and min(height, width) <= AS_THEY_ARE and max(height, width) <= 1024:
        return Preprocessing(height, width, channels), f"{width} x {height}, as all images are"
    shorter = min(float(np.median(np.minimum(heights, widths))), PHOTO_SIDE)
    side = max(8, int(shorter / 8 + 0.5) * 8)
    why = f"{side} x {side} from the median shorter side, at most {PHOTO_SIDE}; --size N for another"
    return Preprocessing(side, side, channels), why


def _with_channels(pixels: np.ndarray, channels: int) -> np.ndarray:
    if pixels.shape[2] == channels:
        return pixels
    if channels == 3:
        return pixels.repeat(3, axis=2)
    return np.asarray(Image.fromarray(pixels).convert("L"))[..., None]  # ITU-R 601: 0.299 R + 0.587 G + 0.114 B


def _resized(pixels: np.ndarray, height: int, width: int) -> np.ndarray:
    h, w = pixels.shape[:2]
    if (h, w) == (height, width):
        return pixels
    scale = min(h / height, w / width)
    left, top = max(0.0, (w - scale * width) / 2), max(0.0, (h - scale * height) / 2)
    box = (left, top, w - left, h - top)
    image = Image.fromarray(pixels.squeeze(2) if pixels.shape[2] == 1 else pixels)
    image = image.resize((width, height), Image.Resampling.BICUBIC, box=box, reducing_gap=3.0)
    return np.asarray(image).reshape(height, width, -1)
