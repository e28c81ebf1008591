"""Scenes as one HTML file that needs nothing else: the numbers as JSON, and scripts that draw them."""

from collections.abc import Sequence

from ravine.colours import text_of
from ravine.landscape.payload import document
from ravine.landscape.scene import Scene
from ravine.page import render

SCRIPTS = ("data.js", "field.js", "map.js", "chart.js", "controls.js", "player.js")


def page(scenes: Sequence[Scene], *, title: str = "ravine landscape") -> str:
    """The text of an HTML file with these scenes, the first one open.

    >>> Path("landscape.html").write_text(page([race(surface, entrants)]), encoding="utf-8")  # doctest: +SKIP

    Args:
        scenes: at least one; their keys differ.
        title: of the browser's tab and the page.
    """
    return render(
        text_of("ravine.landscape", "page.html.jinja"),
        title=title,
        style=text_of("ravine.landscape", "page.css"),
        script='"use strict";\n' + "\n".join(text_of("ravine.landscape", name) for name in SCRIPTS),
        document=document(title, tuple(scenes)),
    )
