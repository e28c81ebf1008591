"""README.ko.md says in Korean what README.md says: code, links, pictures and tables are equal, section by section."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
ENGLISH, KOREAN = ((ROOT / name).read_text(encoding="utf-8") for name in ("README.md", "README.ko.md"))
BLOCK = re.compile(r"^```(\w*)\n(.*?)^```$", re.M | re.S)


def blocks(text):
    """(language, code) of each, without comments and without the space that lines them up."""
    found = BLOCK.findall(text)
    return [(language, re.sub(r"[ \t]*(?<!\S)# .*$", "", code, flags=re.M)) for language, code in found]


def sections(text):
    """What stands between the headings, without the blocks of code."""
    return re.split(r"^#+ .*\n", BLOCK.sub("", text), flags=re.M)


def shape(section):
    """What no language changes: links, pictures, names in code, rows of tables with the number of their cells."""
    links = [link for link in re.findall(r"(?<!!)\[[^]!]*?\]\((.*?)\)", section) if "README" not in link]
    return {
        "links": sorted(links),
        "pictures": re.findall(r"!\[[^]]+?\]\((.*?)\)", section),
        "code": sorted(re.findall(r"`[^`]+`", section)),
        "rows": [row.count(" | ") for row in section.splitlines() if row.startswith("|")],
    }


def test_blocks_are_equal_up_to_comments():
    assert len(blocks(ENGLISH)) > 5
    assert blocks(KOREAN) == blocks(ENGLISH)


def test_headings_have_the_same_levels():
    levels = [re.findall(r"^(#+) ", BLOCK.sub("", text), re.M) for text in (ENGLISH, KOREAN)]
    assert levels[0] == levels[1]


@pytest.mark.parametrize(("english", "korean"), list(zip(sections(ENGLISH), sections(KOREAN), strict=False)))
def test_sections_hold_the_same(english, korean):
    assert shape(korean) == shape(english)


def test_each_links_to_the_other_at_the_top():
    assert "](README.ko.md)" in ENGLISH[:200]
    assert "](README.md)" in KOREAN[:200]


def test_it_is_korean():
    """No paragraph was left in English: each one without code and names has syllables of Hangul."""
    prose = [part for part in BLOCK.sub("", KOREAN).split("\n\n") if re.search(r"\w{3}", re.sub(r"\(.*?\)", "", part))]
    english = [part for part in prose if not re.search("[가-힣]", part)]
    assert english == ["# ravine", "[English](README.md)"]
