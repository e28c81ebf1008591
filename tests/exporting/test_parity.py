"""The comparison, by hand; and the rows that it is made on."""

import math
from types import SimpleNamespace

import numpy as np
import pytest
from drawn_network import network

from ravine import data
from ravine.exporting.parity import parity, timed
from ravine.exporting.rows import random_rows, validation_rows


def test_by_hand():
    found = parity(np.array([[0.6, 0.4], [0.5, 0.5]]), np.array([[0.7, 0.3], [0.4, 0.6]]))
    assert (found.n, found.largest, found.same) == (2, pytest.approx(0.1), 0.5)
    assert math.isnan(parity(np.array([[math.nan, 0.4]]), np.array([[0.6, 0.4]])).largest)


def test_time_is_the_best_of_the_passes_that_fit(monkeypatch):
    now, passes = [0.0], iter([3.0, 1.0, 2.0, 3.0])  # a fifth one could not end before 10 s
    monkeypatch.setattr("ravine.exporting.parity._SECONDS", 10)
    monkeypatch.setattr("ravine.exporting.parity.time", SimpleNamespace(perf_counter=lambda: now[0]))

    def answer(rows):
        now[0] += next(passes)
        return rows

    assert timed(answer, np.zeros(1)) == 1
    assert now == [9]


def test_random_rows_are_as_the_training_data():
    images, said = random_rows(network(), 500)
    assert (images.dtype, images.shape, said) == (np.uint8, (500, 1, 8, 8), "500 random images (seed 0)")
    assert set(np.unique(images)) == set(range(256))
    np.testing.assert_array_equal(images, random_rows(network(), 500)[0])
    features, said = random_rows(network(in_shape=(5,), pixels=False), 4000)
    assert (features.dtype, said) == (np.float32, "4,000 random examples (seed 0)")
    np.testing.assert_allclose(features.mean(0), 0.3 * np.arange(5), atol=0.15)
    np.testing.assert_allclose(features.std(0), 2, atol=0.1)


def test_validation_rows_are_spread_over_the_split():
    x = np.arange(20, dtype=np.float32)[:, None]
    dataset = data.load({"x": x, "y": np.arange(20) % 2, "x_val": x[:10] + 100, "y_val": np.arange(10) % 2})
    chosen, said = validation_rows(dataset, 4)
    assert chosen[:, 0].tolist() == [100, 103, 106, 109]
    assert said == "4 of 10 val examples of arrays"
    assert len(validation_rows(dataset, 99)[0]) == 10
    assert validation_rows(data.load((x, np.arange(20) % 2)), 99)[1] == "20 of 20 train examples of arrays"
