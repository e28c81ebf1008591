"""An ensemble's report as one HTML file that needs nothing else, and its main chart as an SVG file."""

from ravine.colours import text_of
from ravine.drawing import dressed
from ravine.ensembles.chart import accuracy_chart, matrix_chart, reliability_chart
from ravine.ensembles.diversity import pair_mean
from ravine.ensembles.report import EnsembleReport
from ravine.page import render


def page(found: EnsembleReport) -> str:
    """The text of an HTML file: no script, no connection; light or dark as the reader's system is."""
    return render(
        text_of("ravine.ensembles", "report.html.jinja"),
        title=f"{len(found.each)} members: {found.vote.accuracy:.1%}",
        style=text_of("ravine.ensembles", "report.css") + text_of("ravine.ensembles", "chart.css"),
        found=found,
        accuracy=accuracy_chart(found),
        reliability=reliability_chart(found),
        matrix=matrix_chart(found),
        disagree=pair_mean(found.disagreement),
        correlate=pair_mean(found.error_correlation),
    )


def chart(found: EnsembleReport) -> str:
    """The accuracy against the number of members as an SVG file, light or dark as the reader's system is."""
    return dressed(accuracy_chart(found), text_of("ravine.ensembles", "chart.css"))
