"""From the bytes of an image file to pixels: always uint8, always upright, always 1 or 3 channels.

JPEGs go through simplejpeg (libjpeg-turbo with nothing around it: 10 us for a 32 x 32 image where Pillow takes 62, and
the same pixels); Pillow reads everything else, and JPEGs where simplejpeg is missing or refuses. Both apply the EXIF
orientation. Sizes are judged from the header, before memory for a single pixel is asked for.
"""

import io
import logging
import re
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock
from typing import NamedTuple

import numpy as np
import PIL
from PIL import Image, UnidentifiedImageError

from ravine.data.pixels import pixels_of
from ravine.errors import DataError

try:
    import simplejpeg
except ImportError:  # no wheel for this platform
    simplejpeg = None

FORMATS = ("JPEG", "PNG", "WEBP", "BMP", "GIF", "TIFF")
MAX_PIXELS = 178_956_970  # Pillow's own limit for a decompression bomb: 512 MiB as RGB
MAX_SIDE = 65_500  # libjpeg's limit
DECODER = f"pillow {PIL.__version__}" + (f", simplejpeg {simplejpeg.__version__}" if simplejpeg else "")

logging.getLogger("PIL").addHandler(logging.NullHandler())  # its errors come as exceptions too, not on stderr alone

_ORIENTATION = 0x0112
_JPEG_MODES = {"Gray": "L", "YCbCr": "RGB", "RGB": "RGB"}  # CMYK and YCCK are Pillow's


class Header(NamedTuple):
    """What the first bytes of a file say; height and width in pixels, as displayed (after EXIF orientation)."""

    height: int
    width: int
    mode: str
    format: str


def examine(data: bytes) -> Header:
    """Reads the header alone; `data` may be the first part of a file.

    Raises:
        DataError: not an image in one of `FORMATS`, or larger than `MAX_PIXELS` or `MAX_SIDE`.
    """
    header = _jpeg_header(data)
    if header:
        turned = _jpeg_orientation(data) >= 5
    else:
        with _opened(data) as image:
            header = Header(image.height, image.width, image.mode, image.format or "")
            turned = _orientation(image) >= 5 and image.format != "TIFF"  # whose sides Pillow has swapped already
    return header._replace(height=header.width, width=header.height) if turned else header


def decode(data: bytes, *, smallest: int = 0) -> np.ndarray:
    """The pixels of an image file: uint8 `[H, W, C]`, C = 1 for the gray modes and 3 for all others.

    Transparency is laid on white, of an animation the first frame is taken, and 16 bits are scaled to 8.

    Args:
        data: the whole file.
        smallest: where both sides stay at least this long, a JPEG may come at 1/2, 1/4 or 1/8 of its size, which is
            twice as fast for a photo and within 2/255 of the full decoding once it is resized. 0: always in full.

    Raises:
        DataError: `what` is the reason: truncated, not an image, too large, ...
    """
    header = _jpeg_header(data)
    if header and simplejpeg:
        least = _shrunk(header.height, header.width, smallest)
        try:
            pixels = simplejpeg.decode_jpeg(
                data, "GRAY" if header.mode == "L" else "RGB", min_height=least[0], min_width=least[1]
            )
            return _upright(pixels, _jpeg_orientation(data))
        except ValueError:
            pass  # Pillow decides: it forgives stray bytes between segments, and says why it does not
    with _opened(data) as image:
        if image.format in ("JPEG", "MPO"):
            height, width = _shrunk(image.height, image.width, smallest)
            image.draft(None, (width, height))
        image.load()
        # asked after loading: a TIFF comes out upright and without the tag, a PNG may hold it behind its pixels
        return _upright(pixels_of(image), _orientation(image))


def _jpeg_header(data: bytes) -> Header | None:
    """The header by the fast path; None where Pillow has to look."""
    if simplejpeg is None or not data.startswith(b"\xff\xd8\xff"):
        return None
    try:
        height, width, colorspace, _ = simplejpeg.decode_jpeg_header(data)
    except ValueError:
        return None
    if colorspace not in _JPEG_MODES:
        return None
    height, width = int(height), int(width)
    _refuse_absurd(height, width)
    return Header(height, width, _JPEG_MODES[colorspace], "JPEG")


def _jpeg_orientation(data: bytes) -> int:
    if b"Exif\0\0" not in data and b"tiff:Orientation" not in data:  # opening with Pillow costs four times the decoding
        return 1
    with _opened(data) as image:
        return _orientation(image)


def _orientation(image: Image.Image) -> int:
    """The EXIF orientation 1..8; 1 where there is none, or none that makes sense: the pixels are good all the same."""
    try:
        # the base class's getexif: that of a PNG would decode all pixels, to look behind them
        orientation = Image.Image.getexif(image).get(_ORIENTATION, 1)
    except Exception:  # a damaged block: struct.error, SyntaxError, ...
        return 1
    return orientation if orientation in range(1, 9) else 1


def _shrunk(height: int, width: int, smallest: int) -> tuple[int, int]:
    """The sides, rounded down, at the smallest of the scales 1, 1/2, 1/4 and 1/8 that keeps both >= `smallest`."""
    factor = next((f for f in (8, 4, 2) if smallest and min(height, width) >= f * smallest), 1)
    return height // factor, width // factor


def _upright(pixels: np.ndarray, orientation: int) -> np.ndarray:
    """Undoes an EXIF orientation 1..8 of `[H, W, C]`."""
    if orientation >= 5:
        pixels = pixels.transpose(1, 0, 2)
    if orientation in (2, 3, 6, 7):
        pixels = pixels[:, ::-1]
    if orientation in (3, 4, 7, 8):
        pixels = pixels[::-1]
    return np.ascontiguousarray(pixels)


@contextmanager
def _opened(data: bytes) -> Iterator[Image.Image]:
    """The file as a Pillow image; whatever Pillow raises, then or later, becomes a DataError with the reason."""
    try:
        with _quiet, Image.open(io.BytesIO(data), formats=FORMATS) as image:
            _refuse_absurd(image.height, image.width)
            yield image
    except DataError:
        raise
    except UnidentifiedImageError:
        raise DataError("not a JPEG, PNG, WebP, BMP, GIF or TIFF image" if data else "file is empty") from None
    except Image.DecompressionBombError as error:
        size = re.search(r"\d+ pixels", str(error))
        raise DataError(f"too large: {size.group() if size else error}, the limit is {MAX_PIXELS}") from None
    except Exception as error:  # the plugins raise a dozen kinds: SyntaxError, struct.error, KeyError, ...
        raise DataError(str(error) or type(error).__name__) from None


def _refuse_absurd(height: int, width: int) -> None:
    if height * width > MAX_PIXELS or max(height, width) > MAX_SIDE or min(height, width) < 1:
        raise DataError(f"refused: {width} x {height} pixels, the limit is {MAX_PIXELS} and {MAX_SIDE} a side")


class _Quiet:
    """Mutes Pillow's warnings while at least one thread decodes; `warnings.catch_warnings` alone is not for threads."""

    def __init__(self) -> None:
        self.lock, self.inside, self.muted = Lock(), 0, warnings.catch_warnings()

    def __enter__(self) -> None:
        with self.lock:
            self.inside += 1
            if self.inside == 1:
                self.muted = warnings.catch_warnings()
                self.muted.__enter__()
                warnings.filterwarnings("ignore", module=r"PIL\.")

    def __exit__(self, *_: object) -> None:
        with self.lock:
            self.inside -= 1
            if self.inside == 0:
                self.muted.__exit__(None, None, None)


_quiet = _Quiet()
