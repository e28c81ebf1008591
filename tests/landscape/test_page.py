"""The page holds what the race found, closes itself off, and lets no text become markup."""

import base64
import hashlib
import json
import re
import zlib
from dataclasses import replace

import numpy as np
import torch

from ravine.landscape import page, still
from ravine.landscape.payload import FLOOR, document
from ravine.landscape.tracks import room

HOSTILE = '</script><script>alert("1")</script><img src=x onerror=alert(2)>&amp;'


def part(text, tag):
    return re.search(rf"<{tag}>(.*?)</{tag.split()[0]}>", text, re.DOTALL).group(1)


def data(text):
    return json.loads(part(text, 'script type="application/json" id="data"'))


def unpacked(packed, shape):
    steps = np.frombuffer(zlib.decompress(base64.b64decode(packed)), "<u2")
    return torch.from_numpy(steps.cumsum(dtype=np.uint16).astype(np.float64) / 65535).view(shape)


def test_what_is_packed_can_be_unpacked_to_a_twentieth_of_a_pixel(scenes):
    scene = scenes["rosenbrock"]
    written = document("t", (scene,))["scenes"][0]
    x0, x1, y0, y1 = room(scene.window)
    low, high = written["loss"]
    pixel = (scene.window[1] - scene.window[0]) / 1000
    for racer, told in zip(scene.racers, written["racers"], strict=True):
        x, y, loss = unpacked(told["data"], (*racer.losses.shape[:2], 3, -1)).unbind(2)
        found = torch.stack((x0 + x * (x1 - x0), y0 + y * (y1 - y0)), -1)
        torch.testing.assert_close(found, racer.paths, rtol=0, atol=pixel / 20)
        within = (racer.losses.log10() - low) / (high - low)
        torch.testing.assert_close(loss, within.clamp(0, 1), rtol=0, atol=1e-5)
        assert told["ended"] == racer.ended.tolist()
        assert told["rates"] == racer.rates


def test_the_chart_reaches_from_the_first_loss_to_a_hundred_millionth_of_the_highest(scenes):
    low, high = document("t", (scenes["saddle"],))["scenes"][0]["loss"]
    highest = max(float(r.losses[scenes["saddle"].shown(r)].max()) for r in scenes["saddle"].racers)
    assert abs(10 ** (low + 0.1) / (highest * FLOOR) - 1) < 1e-6
    assert 10**high > highest


def test_losses_of_nothing_and_of_no_number_can_be_shown(scenes):
    scene = scenes["plateau"]
    racers = tuple(replace(r, losses=torch.zeros_like(r.losses)) for r in scene.racers)
    assert page([replace(scene, racers=racers)])
    racers = tuple(replace(r, losses=r.losses / 0 - torch.inf) for r in scene.racers)
    assert page([replace(scene, racers=racers)])


def test_the_page_needs_nothing_and_may_do_nothing_else(scenes):
    text = page(list(scenes.values()))
    assert len(text) < 3e6
    for outside in ("http://", "https://", "src=", "@import", "url(", "fetch(", "XMLHttpRequest", "eval(", "innerHTML"):
        assert outside not in text, outside
    assert re.findall(r'<link[^>]*href="([^"]*)"', text) == ["data:,"]
    policy = re.search(r'http-equiv="Content-Security-Policy" content="([^"]*)"', text).group(1).replace("&#39;", "'")
    assert policy.startswith("default-src 'none';")
    assert "unsafe" not in policy
    for tag in ("script", "style"):
        digest = base64.b64encode(hashlib.sha256(part(text, tag).encode()).digest()).decode()
        assert f"{tag}-src 'sha256-{digest}'" in policy
    assert [scene["key"] for scene in data(text)["scenes"]] == list(scenes)


def test_text_never_becomes_markup(scenes):
    scene = scenes["ravine"]
    racers = tuple(replace(r, name=HOSTILE, formula=HOSTILE) for r in scene.racers[:1])
    hostile = replace(scene, title=HOSTILE, trap=HOSTILE, sentences=HOSTILE, axes=(HOSTILE, HOSTILE), racers=racers)
    text = page([replace(hostile, note=HOSTILE, time=HOSTILE)], title=HOSTILE)
    assert text.count("<script") == 2
    assert "<img" not in text
    assert data(text)["scenes"][0]["title"] == HOSTILE
    picture = still([replace(hostile, time=HOSTILE)])
    assert "<script" not in picture
    assert "<img" not in picture
