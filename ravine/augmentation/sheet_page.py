"""A contact sheet as one HTML file that needs nothing else."""

import base64
import io

import numpy as np
from PIL import Image

from ravine.augmentation.sheet import Sheet
from ravine.colours import text_of
from ravine.page import render

_AS_PNG = 64  # pixels of a side up to which images are kept exactly; larger ones are JPEGs


def page(sheet: Sheet) -> str:
    """The text of an HTML file: no script, no connection, images inside; light or dark as the reader's system is."""
    return render(
        text_of("ravine.augmentation", "sheet.html.jinja"),
        title=f"{sheet.title}: augmentation",
        style=text_of("ravine.augmentation", "sheet.css"),
        sheet=sheet,
        uri=data_uri,
        pixelated=max(sheet.sections[0].rows[0].original.shape[:2]) <= _AS_PNG,
    )


def data_uri(pixels: np.ndarray) -> str:
    """An image `uint8 [H, W, 1|3]` as a `data:` address."""
    buffer, small = io.BytesIO(), max(pixels.shape[:2]) <= _AS_PNG
    image = Image.fromarray(pixels.squeeze(2) if pixels.shape[2] == 1 else pixels)
    image.save(buffer, "PNG" if small else "JPEG", **({"optimize": True} if small else {"quality": 88}))
    kind = "png" if small else "jpeg"
    return f"data:image/{kind};base64,{base64.b64encode(buffer.getvalue()).decode()}"
