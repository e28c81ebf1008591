"""Accuracy, loss and learning rate over the epochs: members thin, what predicts thick, the best epoch marked.

While a sweep has chosen no value nothing predicts yet: there are thin lines only.
"""

from typing import Any

from ravine.report import what_predicts
from ravine.report.facts import Report
from ravine.report.figures_theme import Figure, axis, heading, layout, merged, plain

# on a desk the accuracy stands left, loss over learning rate right; on a phone they stand in one column
_WIDE = {
    "height": 372,
    "xaxis": {"domain": [0, 0.475]},
    "xaxis2": {"domain": [0.545, 1]},
    "yaxis": {"domain": [0, 0.9]},
    "yaxis2": {"domain": [0.37, 0.9]},
    "yaxis3": {"domain": [0, 0.2]},
}
_NARROW = {
    "height": 760,
    "xaxis": {"domain": [0, 1]},
    "xaxis2": {"domain": [0, 1]},
    "yaxis": {"domain": [0.56, 0.92]},
    "yaxis2": {"domain": [0.2, 0.46]},
    "yaxis3": {"domain": [0, 0.12]},
}
# panel, column of the metrics, name, colour, width
_LINES = (
    ("", "train/accuracy", "training", "$soft", 1.6),
    ("", "train/clean_accuracy", "training, clean", "$second", 1.8),
    ("", "val/accuracy", "validation", "$accent", 2.6),
    ("2", "train/loss", "training", "$soft", 1.6),
    ("2", "val/loss", "validation", "$accent", 2.6),
    ("3", "lr", "learning rate", "$third", 1.8),
)
_FORMATS = {"": "%{y:.1%}", "2": "%{y:.4f}", "3": "%{y:.3g}"}


def curves(report: Report) -> Figure:
    """The curves of a run, from its rows of metrics."""
    traces: list[dict[str, Any]] = []
    for panel, column, name, colour, width in _LINES:
        common = {"legendgroup": name, "hovertemplate": _FORMATS[panel]}
        each, own = _members(report, column), _predicting(report, column)
        mode = "lines+markers" if len(report.rows) == 1 else "lines"
        if each:
            thin = {"line": {"color": f"{colour}/40", "width": 0.9}, "name": name}
            alone = not own and panel == ""
            x, y = what_predicts.line(report.rows, each)
            points = "lines" if own else mode
            traces.append(_line(panel, x, y, **thin, **common, mode=points, hoverinfo="skip", showlegend=alone))
        if own:
            vote = own[0].startswith("vote/")
            thick = {"line": {"color": colour, "width": width + (1 if vote else 0)}, "showlegend": panel == ""}
            shown = name + _of_whom(report, column, own)
            x, y = what_predicts.line(report.rows, own)
            traces.append(_line(panel, x, y, **thick, **common, mode=mode, name=shown))
    traces += _best(report)
    return {"data": traces, "layout": merged(layout(**_axes(report)), _WIDE), "narrow": _NARROW}


def _line(panel: str, x: list[Any], y: list[Any], **own: Any) -> dict[str, Any]:
    axes = {"xaxis": "x2" if panel else "x", "yaxis": f"y{panel}"}
    return {"type": "scatter", "mode": "lines", "x": x, "y": y, **axes, **own}


def _members(report: Report, column: str) -> list[str]:
    """Each member's own column; none where there is one network, or where they have no values of their own."""
    names = [f"member{k:02d}/{column}" for k in range(report.members)] if report.members > 1 else []
    return names if any(row.get(name) is not None for row in report.rows for name in names) else []


def _predicting(report: Report, column: str) -> tuple[str, ...]:
    return what_predicts.columns(column, report.rows, report.members, report.voters)


def _of_whom(report: Report, column: str, own: tuple[str, ...]) -> str:
    """What stands in the legend after the name of a thick line, where there are thin ones."""
    if not _members(report, column):
        return ""
    if own == (column,):
        return ", mean"
    return ", the vote" if own[0].startswith("vote/") else f", {plain(report.winner)}"


def _best(report: Report) -> list[dict[str, Any]]:
    """A ring where the validation was best: of each member on its own line, else on the line of what predicts."""
    rows = {row["epoch"]: row for row in report.rows}
    own = report.members > 1 and len(report.best_epochs) == len(report.voters)
    together = _predicting(report, "val/accuracy")[:1] * len(report.best_epochs)
    columns = [f"member{k:02d}/val/accuracy" for k in report.voters] if own else together
    points = [(e, rows[e].get(column)) for e, column in zip(report.best_epochs, columns, strict=True) if e in rows]
    if not points:
        return []
    x, y = (list(column) for column in zip(*points, strict=True))
    many = len(report.best_epochs) > 1
    size, width = (7, 1.5) if many else (12, 2)
    ring = {"symbol": "circle-open", "size": size, "color": "$accent", "line": {"width": width}}
    hidden = {"hoverinfo": "skip", "cliponaxis": False}
    return [_line("", x, y, mode="markers", marker=ring, name="best epoch", showlegend=True, **hidden)]


def last_epoch(report: Report) -> int:
    """Where the axis of epochs ends: at the last one done, or as far as planned, but so that half of it is used."""
    planned = report.epoch if report.state == "finished" else report.epochs
    return max(report.epoch, min(planned, max(2 * report.epoch, 10)), 2)


def _axes(report: Report) -> dict[str, Any]:
    last = last_epoch(report)
    few = {"tickmode": "linear", "tick0": 1, "dtick": 1} if last <= 10 else {"nticks": 9}
    x = axis(range=[1 - 0.03 * (last - 1), last + 0.03 * (last - 1)], tickformat="d", showgrid=False, **few)
    x["title"] = {"text": "epoch", "font": {"size": 12, "color": "$soft"}, "standoff": 6}
    names = (("accuracy", "x", "y"), ("loss", "x2", "y2"), ("learning rate", "x2", "y3"))
    lines = []
    if len(set(report.best_epochs)) == 1:
        at = {"type": "line", "x0": report.best_epochs[0], "x1": report.best_epochs[0], "y0": 0, "y1": 1}
        dots = {"line": {"color": "$accent/60", "width": 1, "dash": "dot"}, "layer": "below"}
        lines = [{**at, **dots, "xref": across, "yref": f"{up} domain"} for _, across, up in names]
    return {
        "xaxis": {**x, "anchor": "y"},
        "xaxis2": {**x, "anchor": "y3"},
        "yaxis": axis(nticks=6, tickformat="~%", anchor="x"),
        "yaxis2": axis(nticks=6, anchor="x2"),
        "yaxis3": axis(nticks=3, tickformat="~g", anchor="x2"),
        "annotations": [heading(*name) for name in names],
        "shapes": lines,
        "hovermode": "x unified",
        "hoversubplots": "axis",
        "showlegend": True,
    }
