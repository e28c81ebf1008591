"""Every mode that an image can have, as uint8 in 1 or 3 channels."""

import numpy as np
from PIL import Image

from ravine.errors import DataError

GRAY_MODES = frozenset(("1", "L", "LA", "La", "I", "F", "I;16", "I;16L", "I;16B", "I;16N"))


def pixels_of(image: Image.Image) -> np.ndarray:
    """A Pillow image of any mode as uint8 `[H, W, 1]` (gray modes) or `[H, W, 3]`.

    Mode I counts as 16 bits wide (older Pillows open 16-bit PNGs so); F as 0..1 if nothing lies outside, else
    as 0..255.
    """
    if image.mode == "F":
        values = np.asarray(image)
        if not np.isfinite(values).all():
            raise DataError("pixels are NaN or infinite")
        scale = 255 if values.min() >= 0 and values.max() <= 1 else 1
        return np.rint(values * scale).clip(0, 255).astype(np.uint8)[..., None]
    if image.mode.startswith("I"):
        values = np.asarray(image).astype(np.int64).clip(0, 65535)
        return ((values + 128) // 257).astype(np.uint8)[..., None]
    mode = "L" if image.mode in GRAY_MODES else "RGB"
    if image.has_transparency_data:
        image = image.convert("LA") if image.mode == "La" else image  # the only step that Pillow knows from there
        image = image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image)
    pixels = np.array(image.convert(mode))
    return pixels[..., None] if mode == "L" else pixels
