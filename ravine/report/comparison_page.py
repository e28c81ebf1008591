"""Several runs on one page: accuracies with intervals, paired differences, curves, and what was set differently."""

from ravine.report.comparison import Comparison
from ravine.report.figures_comparison import colour, overlaid
from ravine.report.report_page import Scale, drawn


def comparison_page(found: Comparison) -> str:
    """The text of an HTML file."""
    known = [one for one in found.accuracies if one]
    told = [pair.difference for pair in found.paired if pair.difference]
    return drawn(
        "comparison",
        {"overlaid": overlaid(found)},
        title=f"{found.names[0]} and {len(found.names) - 1} more: ravine comparison",
        found=found,
        scale=Scale([(one.low, one.high) for one in known]),
        zero=Scale([(0.0, 0.0), *((one.low, one.high) for one in told)]),
        colours=[colour(i)[1:] for i in range(len(found.names))],
        finite=bool(told),
    )
