"""What is taken for what, and whether a confidence can be believed."""

from typing import Any

import numpy as np

from ravine.interval import wilson
from ravine.report.facts import Report
from ravine.report.figures_theme import LONGEST, Figure, axis, labels, layout

_COUNTED = 20  # classes up to which the counts stand in the cells
_STRONG = 0.5  # shade from which a light text is read better on it than a dark one (in dark colours, the other way)
_SHORT = 12  # characters of a name on a phone
_NOTHING = "nothing was judged yet"


def confusion(report: Report) -> Figure:
    """The confusion matrix: a cell is coloured by its share of the true class, right answers blue, wrong ones orange.

    A wrong share is drawn by its root, since a hundredth is worth seeing.
    """
    judged = report.judged
    if judged is None:
        return empty(_NOTHING)
    names, right = labels(report.classes), np.eye(len(report.classes), dtype=bool)
    share = judged.confusion / np.maximum(judged.counts, 1)[:, None]
    common = {"type": "heatmap", "x": names, "y": names, "xgap": 1, "ygap": 1, "showscale": False, "zmin": 0, "zmax": 1}
    common |= {"customdata": [[f"{100 * of:.3g}%" for of in row] for row in share.tolist()], "hoverongaps": False}
    common |= {"texttemplate": "%{text}"} if len(names) <= _COUNTED else {}
    kinds = ((right, share, "$accent", "recognised"), (~right, np.sqrt(share), "$second", "taken for %{x}"))
    traces = []
    for mask, shade, colour, words in kinds:
        told = f"%{{text}} of %{{y}} (%{{customdata}})<br>{words}<extra></extra>"
        for part, ink in ((shade <= _STRONG, "$ink"), (shade > _STRONG, "$card")):
            there = mask & part & (judged.confusion > 0)
            shown = {"z": _where(there, shade), "text": _counts(there, judged.confusion)}
            own = {"colorscale": [[0, "$mark"], [1, colour]], "hovertemplate": told, "textfont": {"color": ink}}
            traces.append({**common, **shown, **own})
    categories = {"type": "category", "showgrid": False, "ticks": "", "automargin": False}
    aslant = max(map(len, names), default=0) > 3
    short = {"tickvals": names, "ticktext": labels(report.classes, _SHORT)}
    narrow = {"height": 400, "margin": _margin(report.classes, _SHORT, aslant), "xaxis": short, "yaxis": short}
    own = {
        "height": 460,
        "margin": _margin(report.classes, LONGEST, aslant),
        "xaxis": axis(**categories, side="top", title=_title("taken for"), tickangle=-45 if aslant else 0),
        "yaxis": axis(**categories, autorange="reversed", title=_title("true class")),
        "plot_bgcolor": "$mark",
    }
    return {"data": traces, "layout": layout(**own), "narrow": narrow}


def reliability(report: Report) -> Figure:
    """Accuracy against confidence with 95% intervals; a dot's area is its share of the images."""
    bins = report.judged.reliability if report.judged else None
    if bins is None:
        return empty(_NOTHING)
    kept = np.flatnonzero(bins.count)
    count, right = bins.count[kept], bins.accuracy[kept] * bins.count[kept]
    spans = [wilson(k, n) for k, n in zip(right.tolist(), count.tolist(), strict=True)]
    y = bins.accuracy[kept]
    above, below = ([abs(span[i] - value) for span, value in zip(spans, y.tolist(), strict=True)] for i in (1, 0))
    between = [f"{100 * low:.1f} to {100 * high:.1f}" for low, high in spans]
    size = (5 + 19 * np.sqrt(count / count.sum())).tolist()
    points = {
        "type": "scatter",
        "mode": "markers",
        "x": bins.confidence[kept].tolist(),
        "y": y.tolist(),
        "marker": {"size": size, "color": "$accent", "opacity": 1, "line": {"width": 0}},
        "error_y": {"array": above, "arrayminus": below, "color": "$accent/55", "thickness": 1.5, "width": 0},
        "text": [f"({span})<br>{n:,} images" for span, n in zip(between, count.tolist(), strict=True)],
        "hovertemplate": "%{x:.1%} sure, %{y:.1%} right %{text}<extra></extra>",
        "cliponaxis": False,
    }
    even = {"type": "line", "x0": 0, "y0": 0, "x1": 1, "y1": 1, "layer": "below"}
    own = {
        "height": 340,
        "xaxis": axis(range=[-0.02, 1.02], tickformat=".0%", dtick=0.25, title=_title("how sure it is")),
        "yaxis": axis(range=[-0.02, 1.02], tickformat=".0%", dtick=0.25, title=_title("how often it is right")),
        "shapes": [{**even, "line": {"color": "$soft", "width": 1, "dash": "dot"}}],
        "hovermode": "closest",
    }
    return {"data": [points], "layout": layout(**own), "narrow": {"height": 300}}


def empty(why: str) -> Figure:
    """A figure that says why there is nothing on it."""
    centre = {"xref": "paper", "yref": "paper", "x": 0.5, "y": 0.5, "showarrow": False, "font": {"color": "$soft"}}
    own = {"xaxis": {"visible": False}, "yaxis": {"visible": False}, "height": 120}
    return {"data": [], "layout": layout(**own, annotations=[{"text": why, **centre}]), "narrow": {}}


def _margin(names: tuple[str, ...], most: int, aslant: bool) -> dict[str, float]:
    """Room for the names, from their length: plotly's own measure (automargin) wavers where many stand aslant."""
    room = 7 * min(max(map(len, names), default=0), most)
    over = 0.7 * room if aslant else 0
    return {"l": 44 + room, "r": 8 + over, "t": 46 + over, "b": 8}


def _where(mask: np.ndarray, share: np.ndarray) -> list[list[float | None]]:
    rows = zip(mask.tolist(), share.round(4).tolist(), strict=True)
    return [[value if shown else None for shown, value in zip(*row, strict=True)] for row in rows]


def _counts(mask: np.ndarray, confusion: np.ndarray) -> list[list[str]]:
    rows = zip(mask.tolist(), confusion.tolist(), strict=True)
    return [[f"{n:,}" if shown else "" for shown, n in zip(*row, strict=True)] for row in rows]


def _title(text: str) -> dict[str, Any]:
    return {"text": text, "font": {"size": 12, "color": "$soft"}, "standoff": 8}
