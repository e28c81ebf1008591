"""A run's figures for notebooks and scripts, as plotly's own objects; the page draws the same."""

from typing import TYPE_CHECKING

from ravine.report import figures_curves, figures_errors, figures_judged, figures_seconds
from ravine.report.facts import Report
from ravine.report.figures_theme import as_plotly

if TYPE_CHECKING:
    from plotly.graph_objects import Figure


def curves(report: Report) -> "Figure":
    """Accuracy, loss and learning rate over the epochs: members thin, what predicts thick, the best epoch marked."""
    return as_plotly(figures_curves.curves(report))


def confusion(report: Report) -> "Figure":
    """The confusion matrix of the best weights, on test or else validation."""
    return as_plotly(figures_judged.confusion(report))


def reliability(report: Report) -> "Figure":
    """Accuracy against confidence, with 95% intervals."""
    return as_plotly(figures_judged.reliability(report))


def errors(report: Report) -> "Figure":
    """The most confident errors as thumbnails."""
    return as_plotly(figures_errors.errors(report))


def times(report: Report) -> "Figure":
    """Seconds of each epoch: data, compute, validation, saving."""
    return as_plotly(figures_seconds.times(report))
