"""The look of every figure: colours by name, which page and notebook fill in, and texts that plotly shows as they are.

A figure is a dictionary `{"data": [...], "layout": {...}, "narrow": {...}}` in plotly's own terms, so that no training
waits for the Python package to be imported. `narrow` are the settings of the layout that differ on a phone.
"""

import re
from typing import Any

from ravine.colours import LIGHT

Figure = dict[str, Any]
LONGEST = 24  # characters of a name on an axis
_READ_BY_PLOTLY = re.compile(r"[&<>$%{}]")  # tags and entities, TeX, %{x} of a hovertemplate; "$" also begins a colour
_COLOUR = re.compile(r"\$([a-z-]+)(?:/(\d+))?")  # "$accent", "$accent/40": 40% of it


def plain(text: str) -> str:
    """A text that plotly shows literally, whatever stands in it."""
    return _READ_BY_PLOTLY.sub(lambda found: f"&#{ord(found[0])};", text)


def shortened(name: str, longest: int = LONGEST) -> str:
    """A name without its middle where it is long."""
    return name if len(name) <= longest else f"{name[: longest - 6]}…{name[-5:]}"


def labels(names: tuple[str, ...], longest: int = LONGEST) -> list[str]:
    """Names as the labels of an axis: literal, cut where they are long, and different from each other."""
    seen: dict[str, int] = {}
    made = []
    for name in names:
        short = shortened(name, longest)
        seen[short] = seen.get(short, 0) + 1
        made.append(plain(short if seen[short] == 1 else f"{short} ({seen[short]})"))
    return made


def axis(**own: Any) -> dict[str, Any]:
    """An axis: quiet grid, no zero line."""
    quiet = {"gridcolor": "$line", "linecolor": "$line", "tickcolor": "$line", "zeroline": False, "automargin": True}
    return {**quiet, "tickfont": {"size": 12, "color": "$soft"}, **own}


def layout(**own: Any) -> dict[str, Any]:
    """What all layouts share."""
    return {
        "font": {"family": "inherit", "size": 13, "color": "$ink"},
        "paper_bgcolor": "rgba(0,0,0,0)",
        "plot_bgcolor": "rgba(0,0,0,0)",
        "margin": {"l": 8, "r": 8, "t": 8, "b": 8},
        "hoverlabel": {"bgcolor": "$card", "bordercolor": "$line", "font": {"color": "$ink"}, "namelength": -1},
        "legend": {"orientation": "h", "x": 0, "xanchor": "left", "y": 1.02, "yanchor": "bottom"},
        "showlegend": False,
        **own,
    }


def heading(text: str, x: str, y: str) -> dict[str, Any]:
    """A panel's title, above its left edge; `x` and `y` are its axes."""
    place = {"xref": f"{x} domain", "yref": f"{y} domain", "x": 0, "y": 1, "xanchor": "left", "yanchor": "bottom"}
    return {"text": text, "showarrow": False, "yshift": 4, "font": {"size": 13, "color": "$soft"}, **place}


def merged(base: dict[str, Any], own: dict[str, Any]) -> dict[str, Any]:
    """`base` with the settings of `own`, which reach into its dictionaries."""
    inner = {key: merged(base.get(key, {}), value) for key, value in own.items() if isinstance(value, dict)}
    return {**base, **own, **inner}


def coloured(value: Any, colours: dict[str, str]) -> Any:
    """A figure, or a part of it, with the colours that its names stand for."""
    if isinstance(value, dict):
        return {key: coloured(inner, colours) for key, inner in value.items()}
    if isinstance(value, list):
        return [coloured(inner, colours) for inner in value]
    found = _COLOUR.fullmatch(value) if isinstance(value, str) else None
    return _colour(colours[found[1]], found[2]) if found else value


def as_plotly(figure: Figure) -> Any:
    """The figure as plotly's own object (`plotly.graph_objects.Figure`), on light paper."""
    from plotly.graph_objects import Figure as Plotly

    light = {"paper_bgcolor": "$card", "plot_bgcolor": "$card", "template": "none"}
    font = {**figure["layout"]["font"], "family": "system-ui, sans-serif"}
    drawn = {"data": figure["data"], "layout": {**figure["layout"], **light, "font": font}}
    return Plotly(coloured(drawn, LIGHT))


def _colour(solid: str, percent: str | None) -> str:
    if percent is None:
        return solid
    red, green, blue = (int(solid[i : i + 2], 16) for i in (1, 3, 5))
    return f"rgba({red},{green},{blue},{int(percent) / 100:g})"
