"""What transfers, as one HTML file that needs nothing else; its curve as an SVG file; its numbers as JSON."""

import json
from typing import TYPE_CHECKING

import numpy as np

from ravine.colours import text_of
from ravine.drawing import dressed
from ravine.errors import UsageError
from ravine.page import render
from ravine.transfer.transfers_chart import NARROW, curve

if TYPE_CHECKING:
    from ravine.transfer.what_transfers import Transfer

SUFFIXES = (".html", ".svg", ".json")


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
    return render(
        text_of("ravine.transfer", "transfers.html.jinja"),
        title=f"{found.verdict.title}: what transfers",
        style=text_of("ravine.transfer", "transfers.css") + text_of("ravine.transfer", "transfers_chart.css"),
        found=found,
        cka=np.mean(found.cka, axis=0).tolist(),
        wide=curve(found),
        narrow=curve(found, NARROW),
        signed=lambda gap: f"{100 * gap.low:+.1f} to {100 * gap.high:+.1f}",
    )


def chart(found: "Transfer") -> str:
    """The curve as an SVG file, light or dark as the reader's system is."""
    return dressed(curve(found), text_of("ravine.transfer", "transfers_chart.css"))
