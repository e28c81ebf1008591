"""A range test as a plotly figure."""

import math
from textwrap import wrap
from typing import TYPE_CHECKING, Any

from ravine.colours import LIGHT
from ravine.optimization.lr_frame import frame

if TYPE_CHECKING:
    from ravine.optimization.range_test import RangeTest


def figure(test: "RangeTest") -> Any:
    """A plotly figure that says itself what it shows, on light paper."""
    reason = "<br>".join(wrap(test.suggestion.reason, 110))
    title = {"text": "Range test of the learning rate", "subtitle": {"text": reason}}
    font = {"family": "system-ui, sans-serif", "size": 14}
    return drawn(test, LIGHT).update_layout(title=title, font=font, margin={"l": 70, "r": 40, "t": 140, "b": 80})


def drawn(test: "RangeTest", colours: dict[str, str]) -> Any:
    """A plotly figure: each loss faint, their mean, the range shaded, a line at the suggestion.

    Args:
        colours: by their names, LIGHT or DARK of ravine.colours.
    """
    import plotly.graph_objects as go

    seen, found = frame(test), test.suggestion
    good = colours["fourth" if found.found else "soft"]
    faint, strong = {"color": colours["soft"], "width": 1}, {"color": colours["accent"], "width": 3}
    hover = {"mode": "lines", "hovertemplate": "%{y:.4g}"}
    losses = go.Scatter(x=test.rates, y=test.losses, name="loss of a mini-batch", line=faint, opacity=0.6, **hover)
    mean = go.Scatter(x=test.rates, y=test.smoothed, name="mean", line=strong, **hover)
    made = go.Figure([losses, mean])
    if found.found:
        made.add_vrect(x0=found.low, x1=found.high, fillcolor=good, opacity=0.12, line_width=0)
    if found.lr > 0 and 0 <= seen.across(found.lr) <= 1:
        made.add_vline(x=found.lr, line={"color": good, "width": 2, "dash": "solid" if found.found else "dash"})
        said = f"<b>{'lr' if found.found else 'default'} {found.lr:g}</b>"
        place = {"x": math.log10(found.lr), "y": 1, "yref": "paper", "yanchor": "bottom", "showarrow": False}
        made.add_annotation(text=said, font={"color": good}, **place)
    made.update_layout(
        template="none",
        font={"color": colours["ink"]},
        paper_bgcolor=colours["card"],
        plot_bgcolor=colours["card"],
        hoverlabel={"bgcolor": colours["card"], "bordercolor": colours["line"], "font": {"color": colours["ink"]}},
        legend={"orientation": "h", "x": 1, "xanchor": "right", "y": -0.16, "yanchor": "top"},
        hovermode="x unified",
    )
    quiet = {"gridcolor": colours["line"], "linecolor": colours["soft"], "showline": True, "zeroline": False}
    quiet |= {"automargin": True}
    rates = {"type": "log", "range": [seen.first, seen.last], "exponentformat": "power", "dtick": 1}
    made.update_xaxes(title="learning rate", hoverformat=".2g", **rates, **quiet)
    made.update_yaxes(title="training loss", range=[seen.low, seen.high], **quiet)
    return made
