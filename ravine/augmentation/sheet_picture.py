"""A contact sheet as one picture, for reports and chats."""

import io
import textwrap
from dataclasses import replace

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from ravine.augmentation.sheet import DRAWS, Section, Sheet
from ravine.colours import LIGHT

_INK, _SOFT, _PAPER, _ACCENT, _ALERT = (LIGHT[name] for name in ("ink", "soft", "paper", "accent", "alert"))
_TILE, _GAP, _MARGIN, _LINE = 96, 6, 28, 22


def picture(sheet: Sheet) -> Image.Image:
    """The sheet as an RGB image: all together first, then each part alone, nine tiles wide."""
    width = 2 * _MARGIN + (DRAWS + 1) * (_TILE + _GAP) + 2 * _GAP
    canvas = Image.new("RGB", (width, 40_000), _PAPER)
    pen, at = ImageDraw.Draw(canvas), _MARGIN
    at = _write(pen, at, sheet.title, 24, _INK)
    at = _write(pen, at, sheet.facts, 14, _SOFT)
    for warning in sheet.warnings:
        at = _write(pen, at + 4, f"Look closely. {warning}", 14, _ALERT)
    for section in sheet.sections:
        at = _write(pen, at + 18, section.title, 16, _INK)
        at = _write(pen, at, section.says, 13, _SOFT)
        at = _tiles(canvas, pen, at + 6, section)
    return canvas.crop((0, 0, width, at + _MARGIN))


def small_picture(sheet: Sheet, most: int = 150_000) -> bytes:
    """All together only, as a PNG of at most `most` bytes: photos are shown in as few colours as that takes."""
    whole = picture(replace(sheet, sections=sheet.sections[:1]))
    for colours in (0, 256, 128, 64, 32, 16):
        file = io.BytesIO()
        (whole.quantize(colours) if colours else whole).save(file, "PNG")
        if file.tell() <= most:
            break
    return file.getvalue()


def _write(pen: ImageDraw.ImageDraw, at: int, text: str, size: int, colour: str) -> int:
    """Lines of text from the left margin; returns where the next may begin."""
    font = ImageFont.load_default(size)
    for line in textwrap.wrap(text, int(1750 / size)):
        pen.text((_MARGIN, at), line, fill=colour, font=font)
        at += round(1.4 * size)
    return at


def _tiles(canvas: Image.Image, pen: ImageDraw.ImageDraw, at: int, section: Section) -> int:
    font = ImageFont.load_default(11)
    for row in section.rows:
        tiles = [_tile(pixels) for pixels in (row.original, *row.draws)]
        height = max(tile.height for tile in tiles)
        for i, (tile, caption) in enumerate(zip(tiles, (row.label, *row.captions), strict=True)):
            left = _MARGIN + i * (_TILE + _GAP) + (2 * _GAP if i else 0)
            if i == 0:
                pen.rectangle((left - 2, at - 2, left + tile.width + 1, at + tile.height + 1), fill=_ACCENT)
            canvas.paste(tile, (left, at))
            for n, line in enumerate(textwrap.wrap(caption, 16)[:2]):
                pen.text((left, at + height + 3 + 12 * n), line, fill=_SOFT, font=font)
        lines = 2 if any(len(caption) > 16 for caption in row.captions) else 1
        at += height + _GAP + 4 + 12 * lines
    return at


def _tile(pixels: np.ndarray) -> Image.Image:
    """An image `uint8 [H, W, 1|3]`, `_TILE` wide; small ones keep their pixels."""
    image = Image.fromarray(pixels.squeeze(2) if pixels.shape[2] == 1 else pixels).convert("RGB")
    height = max(1, round(_TILE * image.height / image.width))
    kind = Image.Resampling.NEAREST if image.width <= _TILE else Image.Resampling.LANCZOS
    return image.resize((_TILE, height), kind)
