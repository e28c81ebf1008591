"""How Sphinx builds these pages: `make docs`, then open docs/_build/html/index.html.

The pages are Markdown that reads as well on a code host. Two things are added here when they are built: the table of
contents, which is the list of links of index.md, and what links that leave docs/ lead to.
"""

import re
import sys
from pathlib import Path

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE))

import links  # noqa: E402
import reference  # noqa: E402
from sphinx.util import logging  # noqa: E402

import ravine  # noqa: E402

project = "ravine"
author = "the authors of ravine"
version = release = ravine.__version__
extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon", "sphinx.ext.viewcode"]
exclude_patterns = ["_build"]
default_role = "code"  # what docstrings put in backticks
highlight_language = "none"  # of blocks that name none: what a terminal shows
html_theme = "furo"
html_title = f"ravine {version}"
html_static_path = ["page.css"]
html_css_files = ["page.css"]
BLUE, PALE = "#2b5c8a", "#8ab4dc"
COLOURS = ("color-brand-primary", "color-brand-content", "color-brand-visited")
COLOURS += ("color-api-name", "color-api-pre-name")
html_theme_options = {
    "light_css_variables": dict.fromkeys(COLOURS, BLUE),
    "dark_css_variables": dict.fromkeys(COLOURS, PALE),
}
smartquotes = False
html_show_sourcelink = False
html_copy_source = False

myst_heading_anchors = 3
myst_url_schemes = {"http": None, "https": None, "source": {"url": "_modules/{{path}}.html"}}

maximum_signature_line_length = 90
python_use_unqualified_type_names = True
autodoc_typehints_format = "short"
autodoc_member_order = "bysource"
napoleon_numpy_docstring = False
napoleon_use_rtype = False
napoleon_use_ivar = True  # a dataclass's attributes as one list

CONTENTS = "\n\n```{{toctree}}\n:hidden:\n:caption: {caption}\n\n{pages}\n```\n"


def with_contents(text: str) -> str:
    """index.md with a table of contents for the sidebar: a caption for each heading, a page for each link under it."""
    for caption, section in re.findall(r"^## (.*?)\n(.*?)(?=^## |\Z)", text, re.M | re.S):
        pages = re.findall(r"\]\((\w+)\.md\)", section)
        if pages:
            text += CONTENTS.format(caption=caption, pages="\n".join(pages))
    return text + CONTENTS.format(caption="Reference", pages="\n".join(reference.PAGES))


def with_inner_links(text: str) -> str:
    """A page whose links to rooms lead to their reference or listing, and those to the measurements to their page.

    Other files are offered as downloads (which is what MyST does); of other folders and texts the words are left.
    """
    text = text.replace("](../benchmarks/RESULTS.md)", "](reference/results.md)")
    rooms = "|".join(reference.ROOMS)
    text = re.sub(rf"\]\(\.\./(ravine/(?:{rooms})/\w+)\.py\)", r"](source:\1)", text)
    text = re.sub(rf"\]\(\.\./ravine/({rooms})\)", r"](reference/\1.rst)", text)
    return re.sub(r"\[([^\]\n]*)\]\(\.\./(?:[\w/.-]+\.md|[\w/-]+)\)", r"\1", text)


def read(app, page: str, source: list[str]) -> None:
    source[0] = with_inner_links(with_contents(source[0]) if page == "index" else source[0])


def docstring(app, what: str, name: str, of: object, options: object, lines: list[str]) -> None:
    lines[:] = reference.as_it_stands(lines)


def shared_entries(app, what: str, name: str, of: object, options: object, lines: list[str]) -> None:
    """Attributes `a, b: what both are` are one entry: with a space in it Sphinx would take a for the type of b."""
    lines[:] = [re.sub(r"^:ivar [\w, ]+:", lambda entry: entry[0].replace(", ", ","), line) for line in lines]


def check(app, failed: Exception | None) -> None:
    for link in [] if failed else links.broken(Path(app.outdir)):
        logging.getLogger(__name__).warning("leads nowhere: %s", link)


def setup(app) -> None:
    reference.write(HERE / "reference")
    app.connect("autodoc-process-docstring", docstring, priority=400)  # before napoleon, which makes lists of Args
    app.connect("autodoc-process-docstring", shared_entries, priority=600)  # after it
    app.connect("source-read", read)
    app.connect("build-finished", check)
