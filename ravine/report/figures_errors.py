"""Images that were taken for something else, as a figure for a notebook."""

import base64
from typing import Any

from ravine.report.facts import Report
from ravine.report.figures_judged import empty
from ravine.report.figures_theme import Figure, layout, plain, shortened
from ravine.report.mistakes import Shown

_ACROSS = 6
_CELL = 150  # pixels, with the words under the image
_LONGEST = 18


def errors(report: Report) -> Figure:
    """The most confident errors as thumbnails, with what each was taken for and how surely."""
    if report.mistakes is None:
        return empty("the predictions are written when the training has finished")
    if not report.mistakes.confident:
        return empty("there are no errors")
    shown = report.mistakes.confident
    down = -(-len(shown) // _ACROSS)
    places = [(i % _ACROSS, down - 1 - i // _ACROSS) for i in range(len(shown))]
    images = [_image(one, *place) for one, place in zip(shown, places, strict=True) if one.picture]
    hover = [f"{plain(one.name)}<br>{_words(one)}" for one in shown]
    x, y = ([p[i] + 0.5 for p in places] for i in (0, 1))
    points = {"type": "scatter", "mode": "markers", "x": x, "y": y, "marker": {"opacity": 0, "size": 60}}
    points |= {"text": hover, "hovertemplate": "%{text}<extra></extra>"}
    hidden = {"visible": False, "fixedrange": True}
    own = {
        "height": _CELL * down + 16,
        "xaxis": {**hidden, "range": [0, _ACROSS]},
        "yaxis": {**hidden, "range": [0, down]},
        "images": images,
        "annotations": [_caption(one, *place) for one, place in zip(shown, places, strict=True)],
        "hovermode": "closest",
    }
    return {"data": [points], "layout": layout(**own), "narrow": {}}


def _image(one: Shown, x: int, y: int) -> dict[str, Any]:
    source = f"data:image/png;base64,{base64.b64encode(one.picture or b'').decode()}"
    box = {"x": x + 0.5, "y": y + 0.97, "sizex": 0.9, "sizey": 0.66, "xanchor": "center", "yanchor": "top"}
    return {"source": source, "xref": "x", "yref": "y", "layer": "below", **box}


def _caption(one: Shown, x: int, y: int) -> dict[str, Any]:
    place = {"xref": "x", "yref": "y", "x": x + 0.5, "y": y + 0.28, "yanchor": "top", "showarrow": False}
    return {"text": _words(one), "font": {"size": 11}, **place}


def _words(one: Shown) -> str:
    predicted, true = (plain(shortened(name, _LONGEST)) for name in (one.predicted, one.true))
    return f"<b>{predicted}</b> {one.confidence:.0%}<br>labelled {true}"
