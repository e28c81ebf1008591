"""What a trained network takes to predict and evaluate: arrays as in training, one image, files; and nothing else."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import ravine
from ravine import data
from ravine.errors import DataError, UsageError

Y = np.arange(300) % 3


@pytest.fixture(scope="module")
def train(tmp_path_factory):
    """`train(x)` is the folder of a run of one epoch on these arrays."""

    def run(x):
        settings = {"model": "mlp([8])", "epochs": 1, "quiet": True, "device": "cpu"}
        return ravine.train((x, Y), out=tmp_path_factory.mktemp("runs"), **settings).path

    return run


@pytest.fixture(scope="module")
def gray(train):
    return ravine.load(train(pixels(300, 8, 8)))


@pytest.fixture(scope="module")
def colour(train):
    return ravine.load(train(pixels(300, 8, 8, 3)))


@pytest.fixture(scope="module")
def floats(train):
    return ravine.load(train(pixels(300, 8, 8) / 255))


def pixels(*shape):
    return np.random.default_rng(0).integers(0, 256, shape, np.uint8)


def answers(predictions):
    assert not [one.error for one in predictions if one.error]
    return [(one.name, one.classes, one.probabilities) for one in predictions]


def test_arrays_of_each_kind_that_training_takes_are_batches(gray, colour, floats):
    for network, x in ((gray, pixels(5, 8, 8)), (floats, pixels(5, 8, 8) / 255), (colour, pixels(5, 8, 8, 3))):
        rows = data.examples(x, "x")
        expected = network.probabilities(rows).max(1).tolist()
        for form in (x, rows):
            predictions = network.predict(form)
            assert [name for name, _, _ in answers(predictions)] == ["#0", "#1", "#2", "#3", "#4"]
            assert [probabilities[0] for _, _, probabilities in answers(predictions)] == expected


def test_a_batch_of_another_size_is_resized_as_each_image_is(gray):
    x = pixels(4, 12, 10)
    assert answers(gray.predict(x)) == answers(gray.predict(list(x)))


def test_one_image_is_one_prediction(gray, colour):
    for network, image in ((gray, pixels(8, 8)), (gray, pixels(8, 8, 1)), (gray, pixels(9, 7, 3))):
        assert len(answers(network.predict(image))) == 1
    image = pixels(8, 8, 3)
    assert answers(colour.predict(image)) == answers(colour.predict(image[None]))


@pytest.mark.parametrize("shape", [(8,), (2, 2, 8, 8, 3)])
def test_an_array_that_is_neither_batch_nor_image_is_refused(gray, shape):
    with pytest.raises(UsageError, match="expected an image uint8"):
        gray.predict(pixels(*shape))


def test_three_gray_images_or_one_in_colour_is_not_guessed(colour):
    with pytest.raises(UsageError, match="can be 3 gray images or one in colour"):
        colour.predict(pixels(3, 8, 8))


def test_a_list_holds_single_images(colour):
    with pytest.raises(UsageError, match=r"uint8 \(3, 8, 8\)"):
        colour.predict([pixels(3, 8, 8)])


def test_floats_cannot_stand_in_for_pixels_nor_pixels_for_floats(gray, floats):
    x = pixels(300, 8, 8)
    rows = data.examples(x, "x")
    for ask in (gray.predict, lambda x: gray.probabilities(x[:, None].astype(np.float32)), lambda x: gray.open((x, Y))):
        with pytest.raises(DataError, match="float.*expected uint8") as caught:
            ask(x / 255)
        assert "--size" not in str(caught.value)
    for ask in (floats.predict, floats.probabilities):
        with pytest.raises(DataError, match="uint8.*expected floats"):
            ask(rows)
    with pytest.raises(DataError, match="uint8.*expected floats"):
        floats.evaluate(floats.open((x, Y)), "train")
    with pytest.raises(DataError, match="float32.*expected uint8"):
        gray.evaluate(data.load((x / 255, Y)), "train")


def test_a_folder_is_predicted_without_what_systems_leave_behind(gray, tmp_path: Path):
    for name in ("a.png", "._a.png", "__MACOSX/a.png", ".cache/b.png", "in/c.png"):
        path = tmp_path / ".above" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels(8, 8)).save(path)
    names = [name for name, _, _ in answers(gray.predict(tmp_path / ".above"))]
    assert names == [str(tmp_path / ".above" / name) for name in ("a.png", "in/c.png")]


def test_top(gray):
    assert len(gray.predict(pixels(8, 8), top=2)[0].classes) == 2
    with pytest.raises(UsageError, match="top: cannot be 0"):
        gray.predict(pixels(8, 8), top=0)


def test_a_split_that_is_not_there_is_named(gray):
    dataset = gray.open((pixels(300, 8, 8), Y))
    with pytest.raises(DataError, match="no split 'test'; expected one of train"):
        gray.evaluate(dataset, "test")


def test_weights_of_another_name_are_not_guessed(train):
    with pytest.raises(UsageError, match="use: no 'lst' weights.*last"):
        ravine.load(train(pixels(300, 8, 8)), use="lst")
