"""A run's report as one HTML file: plotly.js inside, no connection, light or dark as the reader's system is."""

import base64
import math
import struct
import time
from collections.abc import Sequence
from functools import cache
from typing import Any

from ravine import page
from ravine.interval import wilson
from ravine.report.facts import Accuracy, Report
from ravine.report.figures_curves import curves
from ravine.report.figures_judged import confusion, reliability
from ravine.report.figures_seconds import COLOURS, times
from ravine.report.figures_theme import Figure, shortened

_EXACT = 48  # pixels of a side up to which an image is enlarged without blur
_LONGEST = 80  # characters of a name; the whole one shows where one points at it
_FEWEST, _MOST = 2.0, 30.0  # seconds between two reloads


def report_page(report: Report) -> str:
    """The text of an HTML file. While training it reloads itself, and says so when nothing has come for long."""
    figures = {"curves": curves(report)} if report.rows else {}
    if report.judged:
        figures["confusion"] = confusion(report)
        figures |= {"reliability": reliability(report)} if report.judged.reliability else {}
    if report.seconds and report.seconds.epochs:
        figures["times"] = times(report)
    recalls = _recalls(report)
    return drawn(
        "report_page",
        figures,
        title=f"{report.name}: ravine report",
        report=report,
        accuracies=_ordered(report.accuracies),
        scale=Scale([(one.low, one.high) for one in report.accuracies]),
        whole=Scale([row[3:] for row in recalls if row[1]]),
        recalls=recalls,
        total=sum(report.seconds.total.values()) if report.seconds else 0.0,
        colours={part: colour[1:] for part, colour in COLOURS.items()},
        picture=picture,
        pixelated=pixelated,
        live=_live(report),
    )


def drawn(name: str, figures: dict[str, Figure], *, title: str, **values: Any) -> str:
    """A page with figures, of the template and the style of this `name`; `live` as of `_live`."""
    own = {ending: page.text_of("ravine.report", f"{name}.{ending}") for ending in ("html.jinja", "css")}
    style = page.text_of("ravine.report", "report_base.css") + own["css"]
    values = {"figures": figures, "live": None, "shortened": shortened, "longest": _LONGEST, **values}
    return page.render(own["html.jinja"], title=title, style=style, script=_script(), loose_style=True, **values)


class Scale:
    """An axis for intervals of shares, just as long as they need.

    Attributes:
        ticks: round shares, ascending; the first and the last are the ends of the axis.
    """

    def __init__(self, intervals: Sequence[tuple[float, float]]):
        low = min((low for low, _ in intervals), default=0.0)
        high = max((high for _, high in intervals), default=1.0)
        step = next((step for step in (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1) if high - low <= 5 * step), 0.25)
        first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
        self.ticks = [round(i * step, 6) for i in range(first, max(last, first + 1) + 1)]

    def at(self, share: float) -> str:
        """Where a share lies, in percent of the axis."""
        return f"{100 * (share - self.ticks[0]) / (self.ticks[-1] - self.ticks[0]):.2f}%"


def picture(png: bytes) -> str:
    """A PNG as an address that holds it."""
    return f"data:image/png;base64,{base64.b64encode(png).decode()}"


def pixelated(png: bytes) -> bool:
    """Whether its pixels are few enough to be shown as squares."""
    width, height = struct.unpack(">II", png[16:24])
    return max(width, height) <= _EXACT


def _ordered(accuracies: tuple[Accuracy, ...]) -> list[Accuracy]:
    """The one that counts first: of the best weights, on test if there is one."""
    return sorted(accuracies, key=lambda one: (one.split != "test", one.which != "best"))


def _recalls(report: Report) -> list[tuple[str, int, float, float, float]]:
    """Class, images, recall and its interval, the worst first; classes without images last, with NaN."""
    if report.judged is None:
        return []
    rows, judged = [], report.judged
    for name, n, recall in zip(report.classes, judged.counts.tolist(), judged.recall.tolist(), strict=True):
        rows.append((name, n, recall, *(wilson(recall * n, n) if n else (math.nan, math.nan))))
    return sorted(rows, key=lambda row: (row[1] == 0, row[2]))


def _live(report: Report) -> dict[str, Any] | None:
    """What the page needs to know to reload itself: every how many seconds, and when silence becomes suspicious."""
    if report.state != "training":
        return None
    each = [sum(epoch.values()) for epoch in report.seconds.epochs] if report.seconds else []
    epoch = each[-1] if each else _FEWEST
    return {"written": round(time.time()), "pause": min(max(epoch / 2, _FEWEST), _MOST), "patience": 120 + 5 * epoch}


@cache
def _script() -> str:
    """plotly.js and the page's own script."""
    return page.plotly() + "\n" + page.text_of("ravine.report", "report_page.js")
