"""The colours of every page and chart, light and dark, as names for CSS: `var(--ink)`.

A chart says `var(--accent)` and is right on a page and in a file of its own, whatever the reader's system is set to.
"""

from importlib.resources import files

LIGHT = {
    "paper": "#fbfaf7",
    "card": "#ffffff",
    "ink": "#1b2733",
    "soft": "#55636f",
    "line": "#e2e5e4",
    "mark": "#eef3f6",
    "accent": "#1f5f8b",
    "second": "#a65915",
    "third": "#7b5aa6",
    "fourth": "#2e7d4f",
    "alert": "#8a4b08",
    "alert-paper": "#fdf3e3",
}
DARK = {
    "paper": "#0d141b",
    "card": "#131c25",
    "ink": "#e6edf2",
    "soft": "#a3b1bd",
    "line": "#233140",
    "mark": "#1a2733",
    "accent": "#7fc0ea",
    "second": "#f0a35a",
    "third": "#bda4e4",
    "fourth": "#7ed0a0",
    "alert": "#f0b56a",
    "alert-paper": "#2a2013",
}


def tokens(scope: str = ":root") -> str:
    """CSS that gives the colours their names within `scope`, a selector."""
    light, dark = ("; ".join(f"--{name}: {value}" for name, value in of.items()) for of in (LIGHT, DARK))
    return f"{scope} {{ {light}; }}\n@media (prefers-color-scheme: dark) {{ {scope} {{ {dark}; }} }}\n"


def text_of(package: str, name: str) -> str:
    """A file that stands in a package: a style, a template, a script."""
    return files(package).joinpath(name).read_text(encoding="utf-8")
