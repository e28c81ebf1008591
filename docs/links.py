"""Looks through the built pages for links that lead nowhere."""

import re
from functools import cache
from pathlib import Path
from urllib.parse import unquote


def broken(site: Path) -> list[str]:
    """Each "page: link" within the site whose file or anchor is not there. Links to other places are not followed."""
    wrong = []
    for page in sorted(site.rglob("*.html")):
        for link in sorted(set(re.findall(r'\b(?:href|src)="([^"]*)"', page.read_text(encoding="utf-8")))):
            if not re.match(r"[a-z]+:", link) and not _leads_somewhere(page, link):
                wrong.append(f"{page.relative_to(site)}: {link}")
    return wrong


def _leads_somewhere(page: Path, link: str) -> bool:
    path, _, anchor = unquote(link).partition("#")
    target = page.parent / path.partition("?")[0] if path else page
    return target.is_file() and (not anchor or target.suffix != ".html" or anchor in _anchors(target.resolve()))


@cache
def _anchors(page: Path) -> set[str]:
    return set(re.findall(r'\bid="([^"]*)"', page.read_text(encoding="utf-8")))
