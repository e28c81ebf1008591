"""The page, the curve and the numbers as files."""

import hashlib
import json
import re
from base64 import b64encode
from html import unescape
from itertools import pairwise
from xml.etree import ElementTree

import pytest
from made_up import FLAT, made

from ravine.errors import UsageError
from ravine.transfer.transfers_chart import NARROW, WIDE, curve


def test_the_page_needs_nothing_and_says_all(tmp_path):
    found = made(n_test=50, warnings=("one & only",))
    found.page(tmp_path / "a.html")
    text = (tmp_path / "a.html").read_text(encoding="utf-8")
    style = re.search(r"<style>(.*?)</style>", text, re.S)[1]
    assert f"'sha256-{b64encode(hashlib.sha256(style.encode()).digest()).decode()}'" in unescape(text)
    assert "<script" not in text
    assert not re.search(r"(src|href)=\"(?!data:)", text)
    assert not re.search(r"\sstyle=", text), "the policy forbids it"
    assert "one &amp; only" in text
    plain = unescape(re.sub(r"\s+", " ", text))
    for sentence in found.sentences:
        assert sentence in plain
    assert found.verdict.command in plain
    assert "prefers-color-scheme: dark" in text


def test_names_are_escaped():
    found = made(names=["<b>", "a", "b", "c"], weights="<i>", data="<u>")
    for suffix in (".html", ".svg"):
        text = found.text(suffix)
        assert not re.search(r"<[biu]>", text)
        assert "&lt;b&gt;" in text


@pytest.mark.parametrize(("blocks", "seeds"), [(1, 1), (4, 2), (4, 3), (12, 3)])
def test_the_curve_shows_every_seed_of_every_point(blocks, seeds):
    found = made(blocks=blocks, seeds=seeds)
    text = found.text(".svg")
    ElementTree.fromstring(text)  # noqa: S314  our own
    points = 4 * len(found.depths)
    assert text.count('class="seed') == seeds * points
    assert text.count('class="mark') == points
    assert text.count('class="interval') == (points if seeds > 2 else 0)
    numbers = re.findall(r'c[xy]="([-\d.]+)"', text)
    assert all(0 <= float(number) <= 980 for number in numbers)


@pytest.mark.parametrize("frame", [WIDE, NARROW], ids=["wide", "narrow"])
def test_no_bar_and_no_mark_hides_another(frame):
    found = made(blocks=12, seeds=3)  # of equal accuracy, frozen and tuned
    text = str(curve(found, frame))
    bars = [float(x) for x in re.findall(r'class="interval \w+" d="M([\d.]+)', text)]
    assert len(set(bars)) == 4 * len(found.depths)
    assert min(b - a for a, b in pairwise(sorted(bars))) > 4
    assert frame.left < min(bars)
    assert max(bars) < frame.right


def test_a_phone_sees_the_whole_curve_with_its_words():
    page, narrow = made().text(".html"), str(curve(made(), NARROW))
    assert narrow in page
    assert str(curve(made())) in page
    words = re.findall(r'class="name (\w+)" x="([\d.]+)"[^>]*>([^<]*), [\d.]+%</text>', narrow)
    assert {line for line, _, _ in words} == {"frozen", "tuned", "random", "whole", "scratch"}
    assert all(float(x) + 8 * len(said) < NARROW.width for _, x, said in words), "they end within it"


def test_a_better_accuracy_is_drawn_higher():
    text = made(FLAT | {"tuned": lambda d: 0.95}).text(".svg")
    points = re.search(r'<path class="line tuned" d="M([^"]*)"', text)[1].split("L")
    heights = [float(point.split()[1]) for point in points]
    assert heights[0] > max(heights[1:]), "from scratch is below"
    below = re.search(r'<path class="line random" d="M([^"]*)"', text)[1].split("L")
    assert float(below[-1].split()[1]) > heights[-1]


def test_numbers_and_other_endings(tmp_path):
    found = made()
    assert json.loads(found.text(".json"))["blocks"] == list(found.blocks)
    with pytest.raises(UsageError, match=r"unknown ending '.pdf'"):
        found.page(tmp_path / "a.pdf")
