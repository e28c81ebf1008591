"""Every mode against a formula or against the image it was made from."""

import numpy as np
import pytest
from PIL import Image, ImageCms

from ravine.data.decoding import decode
from ravine.data.pixels import pixels_of
from ravine.errors import DataError


def alpha_on_white(color: np.ndarray, alpha: np.ndarray) -> np.ndarray:
    a = alpha[..., None].astype(float) / 255
    return np.rint(color * a + 255 * (1 - a))


def test_gray_modes_have_one_channel(picture, encoded):
    gray = picture(5, mode="L")
    values = np.asarray(gray)
    assert np.array_equal(decode(encoded(gray))[..., 0], values)
    black_or_white = gray.point(lambda v: 255 * (v > 127), "1")
    assert np.array_equal(decode(encoded(black_or_white))[..., 0], np.where(values > 127, 255, 0))
    alpha = picture(6, mode="L")
    on_white = alpha_on_white(values[..., None], np.asarray(alpha))
    assert np.abs(decode(encoded(Image.merge("LA", (gray, alpha)))) - on_white).max() <= 1


def test_sixteen_bits_are_scaled_not_cut(encoded):
    values = np.linspace(0, 65535, 120).astype(np.uint16).reshape(10, 12)
    expected = np.rint(values / 257).astype(np.uint8)[..., None]
    for format in ("PNG", "TIFF"):
        assert np.array_equal(decode(encoded(Image.fromarray(values), format)), expected)
    assert np.array_equal(pixels_of(Image.fromarray(values.astype(np.int32))), expected)
    big_endian = Image.frombytes("I;16B", (12, 10), values.astype(">u2").tobytes())
    assert np.array_equal(pixels_of(big_endian), expected)


def test_floats_are_0_to_1_or_0_to_255(encoded):
    values = np.linspace(0, 1, 120, dtype=np.float32).reshape(10, 12)
    assert np.array_equal(decode(encoded(Image.fromarray(values), "TIFF"))[..., 0], np.rint(values * 255))
    assert np.array_equal(
        decode(encoded(Image.fromarray(values * 300), "TIFF"))[..., 0], np.rint(values * 300).clip(0, 255)
    )
    values[0, 0] = np.nan
    with pytest.raises(DataError, match="NaN"):
        decode(encoded(Image.fromarray(values), "TIFF"))


@pytest.mark.parametrize("format", ["PNG", "WEBP", "TIFF"])
def test_transparency_is_laid_on_white(format, picture, encoded):
    color, alpha = picture(7), picture(8, mode="L")
    image = Image.merge("RGBA", (*color.split(), alpha))
    options = {"lossless": True, "exact": True} if format == "WEBP" else {}
    expected = alpha_on_white(np.asarray(color), np.asarray(alpha))
    assert np.abs(decode(encoded(image, format, **options)) - expected).max() <= 1


def test_palettes_with_and_without_transparency(picture, encoded):
    image = picture(9).quantize(8)
    expected = np.asarray(image.convert("RGB"))
    assert np.array_equal(decode(encoded(image)), expected)
    assert np.array_equal(decode(encoded(image, "GIF")), expected)
    see_through = np.asarray(image) == 3
    expected = np.where(see_through[..., None], 255, expected)
    for transparency in (3, bytes([255, 255, 255, 0])):
        assert np.array_equal(decode(encoded(image, transparency=transparency)), expected)


def test_a_transparent_color_of_rgb_and_gray(picture, encoded):
    color = np.asarray(picture(10)).copy()
    color[2, 2] = (1, 2, 3)
    expected = color.copy()
    expected[2, 2] = 255
    assert np.array_equal(decode(encoded(Image.fromarray(color), transparency=(1, 2, 3))), expected)
    gray = np.asarray(picture(10, mode="L")).clip(10).copy()
    gray[2, 2] = 7
    expected = np.where(gray == 7, 255, gray)
    assert np.array_equal(decode(encoded(Image.fromarray(gray), transparency=7))[..., 0], expected)


@pytest.mark.parametrize("mode", ["CMYK", "YCbCr", "HSV", "RGBX", "RGBa", "PA", "LAB", "La"])
def test_every_other_mode(mode, picture):
    image = picture(11)
    if mode == "LAB":
        srgb, lab = ImageCms.createProfile("sRGB"), ImageCms.createProfile("LAB")
        converted = ImageCms.profileToProfile(image, srgb, lab, outputMode="LAB")
    elif mode in ("RGBa", "PA", "La"):
        converted = image.convert({"RGBa": "RGBA", "PA": "P", "La": "LA"}[mode]).convert(mode)
    else:
        converted = image.convert(mode)
    expected = np.asarray(image.convert("L"))[..., None] if mode == "La" else np.asarray(image)
    off = {"HSV": 12, "PA": 60, "LAB": 16}.get(mode, 3)  # HSV and LAB are coarse in 8 bits, a web palette more so
    assert np.abs(pixels_of(converted).astype(int) - expected).max() <= off
