"""The still is an SVG with the field as an embedded picture, and paths that lie where they should."""

import base64
import io
from xml.etree import ElementTree

import numpy as np
import pytest
from PIL import Image

from ravine.landscape import palette, still

SVG = "{http://www.w3.org/2000/svg}"


def test_a_panel_for_each_scene(scenes):
    root = ElementTree.fromstring(still(list(scenes.values())))  # noqa: S314  ours
    assert len(root.findall(f".//{SVG}image")) == len(scenes)
    titles = [text.text for text in root.iter(f"{SVG}text") if text.get("font-size") == "19"]
    assert titles == [scene.title for scene in scenes.values()]


def test_paths_lie_where_the_window_says_and_end_at_the_time(scenes):
    scene = scenes["saddle"]
    root = ElementTree.fromstring(still([scene], time=35))  # noqa: S314
    lines = [line for line in root.iter(f"{SVG}polyline") if line.get("stroke") != "#fff"]
    assert [line.get("stroke") for line in lines] == list(palette.LIGHT[: len(scene.racers)])
    x0, x1, y0, y1 = scene.window
    for line, racer in zip(lines, scene.racers, strict=True):
        points = np.array([point.split(",") for point in line.get("points").split()], float)
        x, y = racer.paths[scene.shown(racer)][:36].numpy().T
        assert points[:, 0] == pytest.approx((x - x0) / (x1 - x0) * 640, abs=0.051)
        assert points[:, 1] == pytest.approx((y1 - y) / (y1 - y0) * 480, abs=0.051)
    assert "loss at step 35" in still([scene], time=35)


def test_the_field_is_darkest_at_the_minima(scenes):
    scene = scenes["saddle"]
    href = ElementTree.fromstring(still([scene])).find(f".//{SVG}image").get("href")  # noqa: S314
    pixels = np.asarray(Image.open(io.BytesIO(base64.b64decode(href.split(",")[1]))).convert("RGB"))
    rows, columns = pixels.shape[:2]
    x0, x1, y0, y1 = scene.window
    for x, y in scene.minima:
        row, column = round((y1 - y) / (y1 - y0) * rows), round((x - x0) / (x1 - x0) * columns)
        assert tuple(pixels[row, column]) == palette.band_colours(palette.FIELD_LIGHT)[0]
    assert tuple(pixels[0, 0]) == palette.band_colours(palette.FIELD_LIGHT)[-1]
