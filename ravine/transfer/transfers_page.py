"""What transfers, as one HTML file that needs nothing else; its curve as an SVG file; its numbers as JSON."""

import base64
import hashlib
import json
from importlib.resources import files
from typing import TYPE_CHECKING

import numpy as np
from jinja2 import Environment, StrictUndefined
from markupsafe import Markup

from ravine.errors import UsageError
from ravine.transfer.transfers_chart import curve

if TYPE_CHECKING:
    from ravine.transfer.what_transfers import Transfer

SUFFIXES = (".html", ".svg", ".json")
_LIGHT = "--card: #fff; --ink: #1b2733; --soft: #55636f; --line: #e2e5e4; --mark: #eef3f6; "
_LIGHT += "--frozen: #1f5f8b; --tuned: #b3621a; --random: #7b5aa6; --whole: #2e7d4f"
_DARK = "--card: #131c25; --ink: #e6edf2; --soft: #a3b1bd; --line: #233140; --mark: #1a2733; "
_DARK += "--frozen: #7fc0ea; --tuned: #f0a35a; --random: #bda4e4; --whole: #7ed0a0"


def written(found: "Transfer", suffix: str) -> str:
    """The text of a file with that ending. Raises UsageError for another one than .html, .svg or .json."""
    checked(suffix)
    if suffix.lower() == ".json":
        return json.dumps(found.to_json(), indent=2, allow_nan=False) + "\n"
    return page(found) if suffix.lower() == ".html" else chart(found)


def checked(suffix: str, where: str = "transfers") -> None:
    """Raises UsageError for an ending that cannot be written."""
    if suffix.lower() not in SUFFIXES:
        expected = ".html (a page), .svg (the curve) or .json (the numbers)"
        raise UsageError(f"unknown ending {suffix!r}", where=where, expected=expected)


def page(found: "Transfer") -> str:
    """The text of an HTML file: no script, no connection; light or dark as the reader's system is."""
    style = f":root {{ {_LIGHT} }}\n@media (prefers-color-scheme: dark) {{ :root {{ {_DARK} }} }}\n"
    style += _text("transfers.css") + _text("transfers_chart.css")
    sha = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    template = Environment(autoescape=True, undefined=StrictUndefined, keep_trailing_newline=True, trim_blocks=True)
    template.filters |= {"percent": lambda share: f"{share:.1%}", "span": lambda gap: _bounds(gap.low, gap.high)}
    template.filters |= {"bounds": lambda bounds: " to ".join(f"{100 * bound:.1f}" for bound in bounds)}
    return template.from_string(_text("transfers.html.jinja")).render(
        found=found,
        cka=np.mean(found.cka, axis=0).tolist(),
        style=Markup(style),  # noqa: S704  ours
        policy=f"default-src 'none'; style-src 'sha256-{sha}'; img-src data:; base-uri 'none'; form-action 'none'",
        curve=Markup(curve(found)),  # noqa: S704  names in it are escaped
    )


def chart(found: "Transfer") -> str:
    """The curve as an SVG file, light or dark as the reader's system is."""
    style = f".transfers {{ {_LIGHT} }}\n@media (prefers-color-scheme: dark) {{ .transfers {{ {_DARK} }} }}\n"
    back = '<rect class="paper" width="100%" height="100%" rx="10"/>'
    inside = f"</title>\n<style>{style}{_text('transfers_chart.css')}</style>\n{back}\n"
    return curve(found).replace("</title>\n", inside, 1)


def _bounds(low: float, high: float) -> str:
    return f"{100 * low:+.1f} to {100 * high:+.1f}"


def _text(name: str) -> str:
    return files("ravine.transfer").joinpath(name).read_text(encoding="utf-8")
