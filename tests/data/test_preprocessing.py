import json
import warnings
from dataclasses import asdict

import numpy as np
import pytest
from PIL import Image

from ravine.data import Preprocessing, preprocess
from ravine.data.decoding import decode
from ravine.data.preprocessing import choose
from ravine.errors import DataError, UsageError


def chosen(sizes, gray=False, size="auto"):
    heights, widths = np.array(sizes).T
    return choose(heights, widths, gray, size)[0]


@pytest.mark.parametrize("shape", [(8, 8), (32, 32), (40, 25)])
def test_the_right_size_is_not_touched(shape, picture, encoded):
    image = picture(1, *shape)
    out = preprocess(encoded(image), Preprocessing(*shape, 3))
    assert np.array_equal(out, np.asarray(image).transpose(2, 0, 1))
    assert out.flags.c_contiguous


def test_bytes_path_and_pixels_agree(tmp_path, picture, encoded):
    to, data = Preprocessing(16, 16, 3), encoded(picture(1, 50, 40), "JPEG")
    path = tmp_path / "käse [red].jpg"
    path.write_bytes(data)
    assert np.array_equal(preprocess(data, to), preprocess(path, to))
    assert np.array_equal(preprocess(str(path), to), preprocess(decode(data), to))


@pytest.mark.parametrize(("height", "width"), [(64, 128), (128, 64), (64, 64), (96, 64), (200, 1000)])
def test_the_shorter_side_becomes_the_size_and_the_centre_stays(height, width):
    """Against a crop in numpy along blocks of one colour; noise of 0..255 leaves nothing to chance but rounding."""
    side = min(height, width)
    blocks = np.random.default_rng(0).integers(0, 256, (height // 8, width // 8), np.uint8)
    out = preprocess(blocks.repeat(8, 0).repeat(8, 1)[..., None], Preprocessing(side // 8, side // 8, 1))[0]
    top, left = (height - side) // 16, (width - side) // 16
    centre = blocks[top : top + side // 8, left : left + side // 8]
    box = Image.fromarray(centre.repeat(8, 0).repeat(8, 1)).resize((side // 8, side // 8), Image.Resampling.BICUBIC)
    inner = np.s_[1:-1, 1:-1]  # at the border the filter sees what lies outside the crop
    assert np.abs(out[inner].astype(int) - np.asarray(box)[inner]).max() <= 6


def test_antialiasing_takes_the_mean_of_a_fine_pattern():
    stripes = np.zeros((256, 256, 3), np.uint8)
    stripes[::2] = 255
    out = preprocess(stripes, Preprocessing(16, 16, 3)).astype(int)
    assert np.abs(out - 127)[:, 1:-1].max() <= 2  # an edge row sees one stripe more of one kind


@pytest.mark.parametrize("shape", [(3, 5), (1, 1), (1, 5000), (5000, 1)])
def test_small_and_narrow_images_are_enlarged(shape):
    image = np.full((*shape, 3), 77, np.uint8)
    assert np.array_equal(preprocess(image, Preprocessing(32, 24, 3)), np.full((3, 32, 24), 77))


def test_channels(picture):
    color = np.asarray(picture(2))
    gray = preprocess(color, Preprocessing(12, 10, 1))
    expected = color @ [0.299, 0.587, 0.114]
    assert np.abs(gray[0] - expected).max() < 1
    assert np.array_equal(preprocess(gray[0][..., None], Preprocessing(12, 10, 3)), gray.repeat(3, 0))


def test_shrinking_while_decoding_changes_little(picture, encoded):
    values = np.asarray(picture(3, 900, 1200)) + np.random.default_rng(0).normal(0, 8, (900, 1200, 3))
    data = encoded(Image.fromarray(values.clip(0, 255).astype(np.uint8)), "JPEG", quality=92)
    to = Preprocessing(128, 128, 3)
    full = Image.fromarray(decode(data)).resize((128, 128), Image.Resampling.BICUBIC, box=(150, 0, 1050, 900))
    off = np.abs(preprocess(data, to).astype(int).transpose(1, 2, 0) - np.asarray(full))
    assert off.max() <= 3
    assert off.mean() < 0.5


def test_errors_name_the_path(tmp_path):
    with pytest.raises(DataError, match="nowhere.jpg"):
        preprocess(tmp_path / "nowhere.jpg", Preprocessing(8, 8, 3))
    (tmp_path / "text.jpg").write_text("hello")
    with pytest.raises(DataError, match="text.jpg: not a JPEG"):
        preprocess(tmp_path / "text.jpg", Preprocessing(8, 8, 3))
    with pytest.raises(DataError):
        preprocess(tmp_path, Preprocessing(8, 8, 3))


def test_pixels_of_another_kind_are_refused():
    for pixels in (np.zeros((8, 8)), np.zeros((8, 8), np.uint8), np.zeros((3, 8, 8), np.uint8), np.zeros((8, 8, 3))):
        with pytest.raises(DataError, match=r"expected uint8 \[H, W, 1\|3\]"):
            preprocess(pixels, Preprocessing(8, 8, 3))


def test_through_json():
    to = Preprocessing(28, 28, 1)
    assert Preprocessing(**json.loads(json.dumps(asdict(to)))) == to
    for bad in ((0, 8, 3), (8, 8, 4), (8, 9000, 1)):
        with pytest.raises(DataError):
            Preprocessing(*bad)


@pytest.mark.parametrize(
    ("sizes", "expected"),
    [
        ([(32, 32)] * 3, (32, 32)),
        ([(40, 25)] * 3, (40, 25)),
        ([(96, 200)] * 3, (96, 200)),
        ([(97, 97)] * 3, (96, 96)),
        ([(97, 500)] * 3, (96, 96)),
        ([(224, 224)] * 3, (128, 128)),
        ([(32, 32), (32, 33)], (32, 32)),
        ([(20, 30), (21, 90), (23, 24)], (24, 24)),
        ([(2, 3), (3, 2)], (8, 8)),
        ([(4000, 3000), (600, 800), (100, 100)], (128, 128)),
        ([(3, 60_000)] * 2, (8, 8)),
    ],
)
def test_auto_size(sizes, expected):
    assert chosen(sizes) == Preprocessing(*expected, 3)
    assert chosen(sizes, gray=True).channels == 1


def test_a_given_size(picture):
    assert chosen([(40, 25)], size=64) == Preprocessing(64, 64, 3)
    assert chosen([(40, 25)], size=np.int64(8)) == Preprocessing(8, 8, 3)
    trained = Preprocessing(28, 20, 1)
    assert chosen([(40, 25)], size=trained) == trained
    for bad in (7, 1025, "large", 64.0, True, None):
        with pytest.raises(UsageError, match="auto or 8"):
            chosen([(40, 25)], size=bad)


def test_no_warnings_of_pillow(encoded, picture):
    palette = encoded(picture(1).quantize(8), transparency=bytes([255, 0]))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        preprocess(palette, Preprocessing(8, 8, 3))


def test_a_function_may_take_less_than_suits_the_images():
    asked = []

    def half(images, side):
        asked.append((images, side))
        return side // 2

    assert chosen([(200, 300), (400, 300)], size=half) == Preprocessing(64, 64, 3)
    assert chosen([(40, 60), (40, 60)], size=lambda images, side: side) == Preprocessing(40, 60, 3)
    assert chosen([(40, 60), (40, 60)], gray=True, size=half) == Preprocessing(20, 20, 1)
    assert asked == [(2, 128), (2, 40)]
