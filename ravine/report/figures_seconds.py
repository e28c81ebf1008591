"""Where the time of each epoch went."""

from ravine.report.facts import Report
from ravine.report.figures_curves import last_epoch
from ravine.report.figures_judged import empty
from ravine.report.figures_theme import Figure, axis, layout
from ravine.report.seconds import PARTS

COLOURS = dict(zip(PARTS, ("$second", "$accent", "$fourth", "$third"), strict=True))


def times(report: Report) -> Figure:
    """Seconds of each epoch as stacked bars: data, compute, validation, saving."""
    if report.seconds is None or not report.seconds.epochs:
        return empty("no epoch has ended yet")
    each = report.seconds.epochs
    bars = [
        {
            "type": "bar",
            "name": part,
            "x": list(range(1, len(each) + 1)),
            "y": [epoch.get(part) for epoch in each],
            "marker": {"color": colour, "line": {"width": 0}},
            "hovertemplate": "%{y:.3~s}s",
        }
        for part, colour in COLOURS.items()
    ]
    own = {
        "height": 220,
        "barmode": "stack",
        "bargap": 0.25 if len(each) < 60 else 0,
        "xaxis": axis(showgrid=False, tickformat="d", nticks=10, range=[0.4, last_epoch(report) + 0.6]),
        "yaxis": axis(nticks=5, ticksuffix=" s", rangemode="tozero"),
        "hovermode": "x unified",
        "showlegend": True,
        "legend": {"orientation": "h", "x": 0, "y": 1.02, "yanchor": "bottom", "traceorder": "normal"},
    }
    return {"data": bars, "layout": layout(**own), "narrow": {}}
