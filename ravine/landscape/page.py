"""One HTML file that needs nothing else: scenes as JSON, the scripts and the style inside, and no way out.

The page's content security policy allows exactly the scripts and the style that stand in it, by their hashes, and no
connection at all.
"""

import base64
import hashlib
import json
from collections.abc import Sequence
from importlib.resources import files

from jinja2 import Environment, StrictUndefined
from markupsafe import Markup

from ravine.landscape.payload import document
from ravine.landscape.scene import Scene

SCRIPTS = ("data.js", "field.js", "map.js", "chart.js", "controls.js", "player.js")


def page(scenes: Sequence[Scene], *, title: str = "ravine landscape") -> str:
    """The text of an HTML file with these scenes, the first one open.

    >>> Path("landscape.html").write_text(page([race(surface, entrants)]), encoding="utf-8")  # doctest: +SKIP

    Args:
        scenes: at least one; their keys differ.
        title: of the browser's tab and the page.
    """
    script = '"use strict";\n' + "\n".join(_text(name) for name in SCRIPTS)
    style = _text("page.css")
    template = Environment(autoescape=True, undefined=StrictUndefined, keep_trailing_newline=True)
    return template.from_string(_text("page.html.jinja")).render(
        title=title,
        style=Markup(style),  # noqa: S704  ours
        script=Markup(script),  # noqa: S704  ours
        policy=f"default-src 'none'; script-src {_hash(script)}; style-src {_hash(style)}; img-src data:; "
        "base-uri 'none'; form-action 'none'",
        data=Markup(_json(document(title, tuple(scenes)))),  # noqa: S704  escaped
    )


def _text(name: str) -> str:
    return files("ravine.landscape").joinpath(name).read_text(encoding="utf-8")


def _hash(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


def _json(value: object) -> str:
    """JSON that cannot end the script it stands in."""
    text = json.dumps(value, allow_nan=False, separators=(",", ":"))
    return text.replace("&", "\\u0026").replace("<", "\\u003c").replace(">", "\\u003e")
