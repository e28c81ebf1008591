"""A run explained in one page: `report_of` reads what there is to say from its folder."""

from ravine.report.facts import Accuracy, Report
from ravine.report.judged import Judged
from ravine.report.mistakes import Mistakes, Shown
from ravine.report.predictions import Predictions, read_predictions
from ravine.report.reading import report_of
from ravine.report.seconds import Seconds

__all__ = [
    "Accuracy",
    "Judged",
    "Mistakes",
    "Predictions",
    "Report",
    "Seconds",
    "Shown",
    "read_predictions",
    "report_of",
]
