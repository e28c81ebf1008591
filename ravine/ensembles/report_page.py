"""An ensemble's report as one HTML file that needs nothing else, and its main chart as an SVG file."""

import base64
import hashlib
from importlib.resources import files

from jinja2 import Environment, StrictUndefined
from markupsafe import Markup

from ravine.ensembles.chart import accuracy_chart, matrix_chart, reliability_chart
from ravine.ensembles.diversity import pair_mean
from ravine.ensembles.report import EnsembleReport

_LIGHT = "--card: #fff; --ink: #1b2733; --soft: #55636f; --line: #e2e5e4; --accent: #1f5f8b; --second: #b3621a"
_DARK = "--card: #131c25; --ink: #e6edf2; --soft: #a3b1bd; --line: #233140; --accent: #7fc0ea; --second: #f0a35a"


def page(found: EnsembleReport) -> str:
    """The text of an HTML file: no script, no connection; light or dark as the reader's system is."""
    style = f":root {{ {_LIGHT} }}\n@media (prefers-color-scheme: dark) {{ :root {{ {_DARK} }} }}\n"
    style += _text("report.css") + _text("chart.css")
    sha = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    template = Environment(autoescape=True, undefined=StrictUndefined, keep_trailing_newline=True, trim_blocks=True)
    template.filters |= {"percent": lambda x: f"{100 * x:.1f}%", "number": lambda x: f"{x:.3f}"}
    template.filters |= {"seconds": lambda t: f"{t:,.1f} s" if t >= 0.1 else f"{1000 * t:.0f} ms"}
    template.filters |= {"span": lambda bounds: " to ".join(f"{100 * b:.1f}" for b in bounds) if bounds else "-"}
    return template.from_string(_text("report.html.jinja")).render(
        found=found,
        style=Markup(style),  # noqa: S704  ours
        policy=f"default-src 'none'; style-src 'sha256-{sha}'; img-src data:; base-uri 'none'; form-action 'none'",
        accuracy=Markup(accuracy_chart(found)),  # noqa: S704  names in it are escaped
        reliability=Markup(reliability_chart(found)),  # noqa: S704
        matrix=Markup(matrix_chart(found)),  # noqa: S704
        disagree=pair_mean(found.disagreement),
        correlate=pair_mean(found.error_correlation),
    )


def chart(found: EnsembleReport) -> str:
    """The accuracy against the number of members as an SVG file, light or dark as the reader's system is."""
    drawn = accuracy_chart(found)
    style = f".ens {{ {_LIGHT} }}\n@media (prefers-color-scheme: dark) {{ .ens {{ {_DARK} }} }}\n{_text('chart.css')}"
    back = '<rect class="paper" width="100%" height="100%" rx="10"/>'
    return drawn.replace("</title>\n", f"</title>\n<style>{style}</style>\n{back}\n", 1)


def _text(name: str) -> str:
    return files("ravine.ensembles").joinpath(name).read_text(encoding="utf-8")
