"""What a file says has to be done to an image beforehand is what ravine does."""

import json

import numpy as np
import pytest
from drawn_network import network
from PIL import Image

from ravine import Ensemble, data
from ravine.exporting.card import card


def as_it_says(image, height, width, mode):
    """The words of "before", in Pillow."""
    image = image.convert(mode)
    if image.size == (width, height):
        return image
    s = min(image.height / height, image.width / width)
    left, top = (image.width - width * s) / 2, (image.height - height * s) / 2
    box = (left, top, image.width - left, image.height - top)
    return image.resize((width, height), Image.Resampling.BICUBIC, box=box, reducing_gap=3.0)


@pytest.mark.parametrize("size", [(8, 8), (30, 47), (5, 6), (200, 90), (640, 480)])
@pytest.mark.parametrize(("mode", "channels"), [("L", 1), ("RGB", 3)])
def test_the_words_are_what_ravine_does(size, mode, channels):
    pixels = np.random.default_rng(0).integers(0, 256, (*size, 3), np.uint8)
    prepared = np.asarray(as_it_says(Image.fromarray(pixels), 8, 12, mode)).reshape(8, 12, channels)
    np.testing.assert_array_equal(
        prepared.transpose(2, 0, 1), data.preprocess(pixels, data.Preprocessing(8, 12, channels))
    )


def test_it_names_what_goes_in_and_out():
    says = card(network(in_shape=(3, 8, 12), members=2))
    assert json.loads(says["classes"]) == ["a", "b", "c"]
    assert says["input"].startswith("images: uint8 [N, 3, 8, 12]")
    assert "red, green, blue" in says["input"]
    assert "12 wide and 8 high" in says["before"]
    assert "image height / 8, image width / 12); the middle 12 s x 8 s" in says["before"]
    assert says["output"].endswith("the mean of 2 members' softmax")
    assert "gray" in card(network())["input"]
    assert card(Ensemble([network(), network(seed=1)], [1, 2]))["output"].endswith(
        "weighted mean of 2 members' softmax"
    )
    features = card(network(in_shape=(5,), pixels=False))
    assert features["input"].startswith("features: float32 [N, 5]")
    assert features["before"] == "nothing"
