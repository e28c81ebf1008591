import base64
import io
import re
from html import unescape

import numpy as np
import pytest
import torch
from PIL import Image

from ravine.augmentation import Pipeline, parse
from ravine.augmentation.sheet import DRAWS, chosen, contact_sheet
from ravine.augmentation.sheet_page import data_uri, page
from ravine.augmentation.sheet_picture import picture
from ravine.errors import UsageError

X = np.random.default_rng(0).integers(0, 256, (40, 3, 16, 20), np.uint8)
Y = np.arange(40) % 4
CLASSES = ("ant", "<b>bee</b>", "cat & co", "dog")


def sheet(text, x=X, **settings):
    return contact_sheet(text, lambda rows: x[rows], Y, CLASSES, title="zoo <script>", **settings)


def test_columns_are_what_the_epochs_of_a_training_show():
    made = sheet("flip, translate(2), jitter(0.3)", seed=5)
    augment = Pipeline(parse("flip, translate(2), jitter(0.3)", (3, 16, 20)))
    rows = chosen(Y, 6)
    for epoch in range(DRAWS):
        table = augment.numbers(40, 5, epoch=epoch)
        expected = augment(torch.from_numpy(X[rows]), u=table[torch.from_numpy(rows)])
        for row, image in zip(made.sections[0].rows, expected, strict=True):
            np.testing.assert_array_equal(row.draws[epoch], image.permute(1, 2, 0))
    assert [section.title for section in made.sections[1:]] == ["flip", "translate(2)", "jitter(0.3)"]
    assert all(len(section.rows) == 2 for section in made.sections[1:])


def test_one_image_of_each_class_in_turn():
    assert Y[chosen(Y, 6)].tolist() == [0, 1, 2, 3, 0, 1]
    assert Y[chosen(Y, 2)].tolist() == [0, 3]
    assert len(set(chosen(Y, 40))) == 40
    assert len(chosen(Y, 100)) == 40


def test_mixed_labels_are_said_and_alternating_flips_alternate():
    made = sheet("flip_alternating, cutmix", images=4)
    captions = [caption for row in made.sections[0].rows for caption in row.captions]
    assert any(re.fullmatch(r".+ \d+%, .+ \d+%", caption) for caption in captions)
    flips = made.sections[1].rows[0].draws
    np.testing.assert_array_equal(flips[0], flips[1][:, ::-1])
    np.testing.assert_array_equal(flips[0], flips[2])


@pytest.mark.parametrize(
    ("text", "x", "words"),
    [
        ("flip", X[:, :1], ["flip on gray images"]),
        ("trivialaugment", X[:, :1], ["a 6 becomes a 9"]),
        ("rotate(90)", X, ["beyond 45 degrees"]),
        ("flip, rotate(15)", X, []),
        ("translate(2)", X[:, :1], []),
    ],
)
def test_what_a_person_should_look_at_is_said(text, x, words):
    warnings = sheet(text, x).warnings
    assert len(warnings) == len(words)
    assert all(word in warning for word, warning in zip(words, warnings, strict=True))


def test_the_page_stands_alone_and_names_cannot_break_it():
    html = page(sheet("flip, erase"))
    assert "http" not in html.replace("http-equiv", "")
    assert "<script" not in html
    assert "<b>bee" not in html
    assert "zoo &lt;script&gt;" in html
    assert "default-src 'none'" in unescape(html)
    assert html.count("<img") == (6 + 2 + 2) * (1 + DRAWS)
    assert all(source.startswith("data:image/png;base64,") for source in re.findall(r'src="([^"]+)"', html))


def test_small_images_are_kept_exactly():
    for pixels in (X[0].transpose(1, 2, 0), X[0, :1].transpose(1, 2, 0)):
        image = Image.open(io.BytesIO(base64.b64decode(data_uri(pixels).split(",")[1])))
        np.testing.assert_array_equal(np.asarray(image).reshape(pixels.shape), pixels)


def test_the_picture_holds_every_tile():
    made = sheet("flip, mixup(0.5)")
    image = picture(made)
    assert image.size[0] > 9 * 96
    assert image.size[1] > 10 * 76  # 6 rows of all together and 2 of each part, 96 x 77 a tile
    gray = picture(sheet("flip", X[:, :1]))
    assert len({gray.getpixel((28 + 50 + 108, y)) for y in range(100, 500)}) > 20


def test_nothing_to_show_is_refused():
    with pytest.raises(UsageError, match="nothing to show"):
        sheet("none")
    with pytest.raises(UsageError, match="below 16"):
        sheet("translate(16)")
