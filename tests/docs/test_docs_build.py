"""What `make docs` builds from: a page for each command and room, a place in the contents for each page, no dead link.

The build itself, with warnings as errors and a look at every link of the site, is `make docs`.
"""

import importlib
import re
import sys
from dataclasses import fields
from pathlib import Path

import pytest

import ravine
from ravine.cli import COMMANDS, transfers
from ravine.cli import _command as module_of

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
PAGES = [ROOT / "README.md", *sorted(DOCS.glob("*.md"))]
sys.path.insert(0, str(DOCS))
reference, links = importlib.import_module("reference"), importlib.import_module("links")
sys.path.remove(str(DOCS))


@pytest.fixture(scope="module")
def pages(tmp_path_factory):
    """The generated pages by name."""
    folder = tmp_path_factory.mktemp("docs") / "reference"
    reference.write(folder)
    return {page.stem: page.read_text(encoding="utf-8") for page in folder.iterdir()}


def entries(text):
    return re.findall(r"^\.\. (?:autoclass|autofunction|autodata|py:data):: (\S+)$", text, re.M)


def test_every_public_name_has_an_entry(pages):
    assert entries(pages["python"]) == [f"ravine.{name}" for name in ravine.__all__]


@pytest.mark.parametrize("room", reference.ROOMS)
def test_every_name_of_a_room_has_an_entry(room, pages):
    module = f"ravine.{room}"
    assert entries(pages[room]) == [f"{module}.{name}" for name in importlib.import_module(module).__all__]


# what a command understands only to refuse it is no part of its help
REFUSED = {"finetune": ("pretrained",), "transfers": transfers._REFUSED}


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_a_page_with_all_its_flags(command, pages):
    page = pages[f"command_{command}"]
    assert f"command_{command}\n" in pages["commands"]
    told = re.findall(r"^\.\. option:: (.*)$", page, re.M)
    options = [option for option in fields(module_of(command).Options) if option.name not in REFUSED.get(command, ())]
    assert len(told) == len(options)
    named = {name for line in told for name in re.findall(r"--[a-z-]+", line)}
    for option in options:
        flag = f"--{option.name.replace('_', '-')}"
        assert flag in named or any(not line.startswith("-") for line in told), flag
    assert "│" not in page
    assert f"   ravine {command}" in page, "an example"


def test_an_entry_is_of_the_kind_of_its_name(pages):
    room = pages["optimization"]
    for line in ("autoclass:: ravine.optimization.Adam", "autofunction:: ravine.optimization.cosine"):
        assert f".. {line}\n" in room
    assert ".. py:data:: ravine.optimization.RULES\n\n   By name: sgd, momentum," in room


def test_docstrings_keep_formulas_and_code_as_they_stand():
    given = ["A |g| and `a|b`.", "", "    w <- w * |g|", "", "Args:", "    x: y * z."]
    assert reference.as_it_stands(given) == [
        r"A \|g\| and `a|b`.", "", "::", "", "    w <- w * |g|", "", "Args:", r"    x: y \* z."
    ]  # fmt: skip


def test_contents_name_every_page_once():
    listed = re.findall(r"^- \[.*?\]\((\S+?)\)", (DOCS / "index.md").read_text(encoding="utf-8"), re.M)
    assert sorted(listed) == sorted(page.name for page in DOCS.glob("*.md") if page.name != "index.md")


def slugs(page):
    """The anchors of a page's headings, as code hosts and MyST make them."""
    headings = re.findall(r"^#+ (.*)$", page.read_text(encoding="utf-8"), re.M)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


TEXTS = {page: page.read_text(encoding="utf-8") for page in PAGES}
ANCHORS = [(page, *link) for page in PAGES for link in re.findall(r"\]\(([\w./-]*)#([\w-]+)\)", TEXTS[page])]


@pytest.mark.parametrize(("page", "path", "anchor"), ANCHORS, ids=[f"{p.name}-{path}-{a}" for p, path, a in ANCHORS])
def test_anchors_are_headings(page, path, anchor):
    assert anchor in slugs(page.parent / path if path else page)


@pytest.mark.parametrize(
    ("link", "fine"), [("b.html", 1), ("b.html#there", 1), ("b.html#gone", 0), ("c.html", 0), ("https://x.y/", 1)]
)
def test_a_link_that_leads_nowhere_is_found(link, fine, tmp_path):
    (tmp_path / "a.html").write_text(f'<a href="{link}">')
    (tmp_path / "b.html").write_text('<p id="there">')
    assert links.broken(tmp_path) == ([] if fine else [f"a.html: {link}"])
