"""The validation curves of several runs on one chart."""

from typing import Any

from ravine.report import what_predicts
from ravine.report.comparison import Comparison
from ravine.report.figures_theme import Figure, axis, heading, labels, layout, merged

COLOURS = ("$accent", "$second", "$third", "$fourth", "$soft")
_DASHES = ("solid", "dash", "dot")  # one after the other, once the colours are used up
_WIDE = {"height": 380, "xaxis": {"domain": [0, 0.475]}, "xaxis2": {"domain": [0.545, 1]}}
_WIDE |= {"yaxis": {"domain": [0, 0.9]}, "yaxis2": {"domain": [0, 0.9]}}
_NARROW = {"height": 700, "xaxis": {"domain": [0, 1]}, "xaxis2": {"domain": [0, 1]}}
_NARROW |= {"yaxis": {"domain": [0.53, 0.93]}, "yaxis2": {"domain": [0, 0.4]}}


def overlaid(found: Comparison) -> Figure:
    """Validation accuracy and loss of each run over its epochs, of what predicts: a line a run.

    Of a sweep the winner's members are drawn, and nothing before it has chosen.
    """
    traces: list[dict[str, Any]] = []
    for i, (name, report) in enumerate(zip(labels(found.names), found.reports, strict=True)):
        line = {"color": colour(i), "width": 2.2, "dash": _DASHES[i // len(COLOURS) % len(_DASHES)]}
        for end, column, shown in (("", "val/accuracy", "%{y:.1%}"), ("2", "val/loss", "%{y:.4f}")):
            predicting = what_predicts.columns(column, report.rows, report.members, report.voters)
            x, y = what_predicts.line(report.rows, predicting)
            own = {"name": name, "legendgroup": name, "showlegend": end == "", "hovertemplate": shown}
            axes = {"xaxis": f"x{end}", "yaxis": f"y{end}"}
            mode = "lines" if len(report.rows) > 1 else "markers"
            traces.append({"type": "scatter", "mode": mode, "x": x, "y": y, "line": line, **axes, **own})
    x = axis(showgrid=False, tickformat="d", nticks=9)
    x["title"] = {"text": "epoch", "font": {"size": 12, "color": "$soft"}, "standoff": 6}
    own = {
        "xaxis": {**x, "anchor": "y"},
        "xaxis2": {**x, "anchor": "y2"},
        "yaxis": axis(nticks=6, tickformat="~%", anchor="x"),
        "yaxis2": axis(nticks=6, anchor="x2"),
        "annotations": [heading("validation accuracy", "x", "y"), heading("validation loss", "x2", "y2")],
        "hovermode": "x unified",
        "showlegend": True,
    }
    return {"data": traces, "layout": merged(layout(**own), _WIDE), "narrow": _NARROW}


def colour(i: int) -> str:
    """The i-th run's."""
    return COLOURS[i % len(COLOURS)]
