"""A contact sheet as one HTML file that needs nothing else."""

import base64
import hashlib
import io
from importlib.resources import files

import numpy as np
from jinja2 import Environment, StrictUndefined
from markupsafe import Markup
from PIL import Image

from ravine.augmentation.sheet import Sheet

_AS_PNG = 64  # pixels of a side up to which images are kept exactly; larger ones are JPEGs


def page(sheet: Sheet) -> str:
    """The text of an HTML file: no script, no connection, images inside; light or dark as the reader's system is."""
    style = _text("sheet.css")
    sha = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    policy = f"default-src 'none'; style-src 'sha256-{sha}'; img-src data:; base-uri 'none'; form-action 'none'"
    template = Environment(autoescape=True, undefined=StrictUndefined, keep_trailing_newline=True, trim_blocks=True)
    side = max(sheet.sections[0].rows[0].original.shape[:2])
    return template.from_string(_text("sheet.html.jinja")).render(
        sheet=sheet,
        style=Markup(style),  # noqa: S704  ours
        policy=policy,
        uri=data_uri,
        pixelated=side <= _AS_PNG,
    )


def data_uri(pixels: np.ndarray) -> str:
    """An image `uint8 [H, W, 1|3]` as a `data:` address."""
    buffer, small = io.BytesIO(), max(pixels.shape[:2]) <= _AS_PNG
    image = Image.fromarray(pixels.squeeze(2) if pixels.shape[2] == 1 else pixels)
    image.save(buffer, "PNG" if small else "JPEG", **({"optimize": True} if small else {"quality": 88}))
    kind = "png" if small else "jpeg"
    return f"data:image/{kind};base64,{base64.b64encode(buffer.getvalue()).decode()}"


def _text(name: str) -> str:
    return files("ravine.augmentation").joinpath(name).read_text(encoding="utf-8")
