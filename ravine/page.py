"""One HTML file that needs nothing else: style and script inside, every text escaped, and no way out.

The content security policy allows exactly the style and the script that stand in the page, by their hashes, pictures
that are inside it, and no connection at all.
"""

import base64
import hashlib
from functools import cache, lru_cache
from html import escape
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from jinja2 import Environment, StrictUndefined, Template

from ravine.colours import text_of, tokens

_ENVIRONMENT = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True)
_ENVIRONMENT.policies["json.dumps_kwargs"] = {"allow_nan": False, "separators": (",", ":")}
_ENVIRONMENT.filters |= {
    "percent": lambda share: f"{100 * share:.1f}%",
    "number": lambda value: f"{value:.3f}",
    "seconds": lambda t: f"{t:,.1f} s" if t >= 0.1 else f"{1000 * t:.0f} ms",
    "span": lambda bounds: " to ".join(f"{100 * bound:.1f}" for bound in bounds) if bounds else "-",
}


def render(
    template: str, *, title: str, style: str = "", script: str = "", loose_style: bool = False, **values: Any
) -> str:
    """The text of an HTML file, light or dark as the reader's system is.

    Args:
        template: jinja2, what stands in the body. Filters: jinja2's own, `percent`, `number`, `seconds`, and `span` for
            the interval of a share (or None). Data for the script go through `tojson`. All text is escaped.
        title: of the browser's tab; the template may use it, too.
        style: CSS after the common one (page.css, chart.css).
        script: JavaScript that runs when the body is there.
        loose_style: styles may be set by the script, as plotly.js does.
        values: for the template. One that it uses and that is missing raises jinja2's UndefinedError.
    """
    style = tokens() + text_of("ravine", "page.css") + text_of("ravine", "chart.css") + style
    policy = ["default-src 'none'", "style-src " + ("'unsafe-inline'" if loose_style else _hash(style))]
    policy += ["script-src " + _hash(script)] if script else []
    policy += ["img-src data:", "base-uri 'none'", "form-action 'none'"]
    # not in jinja2, which copies a script of some megabytes several times
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{"; ".join(policy)}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<link rel="icon" href="data:,">
<title>{_encodable(escape(title))}</title>
<style>{style}</style>
</head>
<body>
{_encodable(_compiled(template).render(title=title, **values))}
{f"<script>{script}</script>" if script else ""}
</body>
</html>
"""


@cache
def plotly() -> str:
    """plotly.js for a page's script, from the installed package, which is not imported, since that takes a while."""
    spec = find_spec("plotly")
    folder = Path(list(spec.submodule_search_locations or [])[0]) if spec else Path()
    return (folder / "package_data" / "plotly.min.js").read_text(encoding="utf-8")


@cache
def _compiled(template: str) -> Template:
    return _ENVIRONMENT.from_string(template)


def _encodable(text: str) -> str:
    """Names of files may hold bytes that are no UTF-8, which Python keeps as lone surrogates: shown as `\\udcff`."""
    return text.encode("utf-8", "backslashreplace").decode()


@lru_cache(8)
def _hash(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"
