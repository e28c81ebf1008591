"""A range test as one HTML file to look around in: plotly.js inside, no connection, light or dark."""

import json
from typing import TYPE_CHECKING, Any

from ravine import page
from ravine.colours import DARK, LIGHT, text_of
from ravine.optimization.lr_figure import drawn

if TYPE_CHECKING:
    from ravine.optimization.range_test import RangeTest


def lr_page(test: "RangeTest") -> str:
    """The text of an HTML file."""
    found = test.suggestion
    said = f"No valley: the learning rate stays {found.lr:g}."
    if found.found:
        said = f"Learning rate {found.lr:g}; {found.low:g} to {found.high:g} is worth trying."
    return page.render(
        text_of("ravine.optimization", "lr_page.html.jinja"),
        title="Range test of the learning rate",
        script=page.plotly() + "\n" + text_of("ravine.optimization", "lr_page.js"),
        loose_style=True,
        said=said,
        reason=found.reason[:1].upper() + found.reason[1:].rstrip("."),
        figures={"light": _plain(test, LIGHT), "dark": _plain(test, DARK)},
    )


def _plain(test: "RangeTest", colours: dict[str, str]) -> dict[str, Any]:
    made = drawn(test, colours)
    made.update_layout(height=520, font={"family": "inherit", "size": 13}, margin={"l": 8, "r": 8, "t": 44, "b": 8})
    return json.loads(made.to_json())  # with every number as JSON has it: None for one that is not finite
