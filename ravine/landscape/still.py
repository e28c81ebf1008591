"""Scenes as one SVG file: for a README, a slide, a printed page."""

import base64
import io
import math
from collections.abc import Sequence

import numpy as np
from PIL import Image

from ravine.colours import LIGHT
from ravine.drawing import words
from ravine.landscape import palette
from ravine.landscape.levels import levels
from ravine.landscape.scene import Racer, Scene

WIDTH, HEIGHT, GAP = 640, 480, 32  # of a map; between panels and around them
COLUMNS = 3
INK, SOFT, PAPER = LIGHT["ink"], LIGHT["soft"], LIGHT["paper"]
FONT = "-apple-system, 'Segoe UI', Inter, Roboto, 'Liberation Sans', sans-serif"
MONO = "ui-monospace, Menlo, Consolas, 'DejaVu Sans Mono', monospace"


def still(scenes: Sequence[Scene], *, time: int | None = None) -> str:
    """The text of an SVG file: a panel for each scene, three in a row, with their paths up to a time.

    Args:
        scenes: at least one.
        time: index into the paths, as in a paused page; None for the end.
    """
    columns = min(COLUMNS, len(scenes))
    rows = max(math.ceil(len(scene.racers) / 2) for scene in scenes)
    across, down = WIDTH + GAP, HEIGHT + 48 + 24 * rows + 18 + GAP
    width, height = columns * across + GAP, math.ceil(len(scenes) / columns) * down + GAP
    panels = []
    for i, scene in enumerate(scenes):
        x, y = GAP + i % columns * across, GAP + i // columns * down
        panels.append(f'<g transform="translate({x} {y})">{_panel(scene, i, time)}</g>')
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}" '
        f'font-family="{FONT}" font-size="14" fill="{INK}">\n'
        f'<rect width="100%" height="100%" fill="{PAPER}"/>\n' + "\n".join(panels) + "\n</svg>\n"
    )


def _panel(scene: Scene, number: int, time: int | None) -> str:
    at = scene.last if time is None else min(time, scene.last)
    x0, x1, y0, y1 = scene.window

    def place(x: float, y: float) -> tuple[float, float]:
        return round((x - x0) / (x1 - x0) * WIDTH, 1), round((y1 - y) / (y1 - y0) * HEIGHT, 1)

    paths, heads, legend = [], [], []
    for k, racer in enumerate(scene.racers):
        colour, mark = palette.LIGHT[k % len(palette.LIGHT)], palette.SHAPES[k % len(palette.SHAPES)]
        points = [place(*point) for point in racer.paths[scene.shown(racer)][: at + 1].tolist()]
        line = " ".join(f"{x:g},{y:g}" for x, y in points)
        paths.append(f'<polyline points="{line}" stroke="#fff" stroke-width="4" stroke-opacity="0.5"/>')
        paths.append(f'<polyline points="{line}" stroke="{colour}" stroke-width="1.8"/>')
        heads.append(_mark(mark, *points[-1], 6.5, colour))
        column, row = k % 2 * WIDTH / 2, HEIGHT + 62 + k // 2 * 24
        legend.append(_mark(mark, column + 8, row - 5, 6, colour) + _entry(scene, racer, at, column, row))
    crosses = (f'<path d="M{x - 5} {y}h10M{x} {y - 5}v10"/>' for x, y in (place(*minimum) for minimum in scene.minima))
    x, y = place(*scene.start)
    trap = f'<tspan dx="12" font-size="14" font-weight="400" fill="{SOFT}">{words(scene.trap)}</tspan>'
    picture = f'width="{WIDTH}" height="{HEIGHT}"'
    return (
        f'<text y="14" font-size="19" font-weight="600">{words(scene.title)}{trap}</text>'
        f'<clipPath id="map{number}"><rect {picture} rx="8"/></clipPath>'
        f'<g transform="translate(0 30)" clip-path="url(#map{number})" fill="none" stroke-linejoin="round">'
        f'<image {picture} href="data:image/png;base64,{_field(scene)}"/>'
        f'<g stroke="{INK}" stroke-width="1.6">{"".join(crosses)}<circle cx="{x}" cy="{y}" r="5"/></g>'
        f"{''.join(paths)}{''.join(heads)}</g>{''.join(legend)}"
        f'<text y="{HEIGHT + 62 + 24 * math.ceil(len(scene.racers) / 2)}" font-size="13" fill="{SOFT}">'
        f"loss at {words(scene.time)} {scene.moment(at):g}</text>"
    )


def _entry(scene: Scene, racer: Racer, at: int, x: float, y: float) -> str:
    """Name and loss of a racer."""
    ended = int(racer.ended[scene.shown(racer)])
    loss = float(racer.losses[scene.shown(racer)][at])
    said = f"diverged at {ended}" if 0 <= ended <= at else _short(loss)
    return (
        f'<text x="{x + 24}" y="{y}" font-size="13" font-family="{MONO}">{words(racer.name)}</text>'
        f'<text x="{x + WIDTH / 2 - 20}" y="{y}" text-anchor="end">{said}</text>'
    )


def _short(loss: float) -> str:
    """0.0123, 1.2e−6; 0 for what is nothing beside all else."""
    return "0" if loss < 1e-12 else f"{loss:.2g}".replace("e-0", "e-").replace("-", "−")


def _mark(name: str, x: float, y: float, r: float, colour: str) -> str:
    corners = {"square": (4, 45, 1.15), "diamond": (4, 0, 1.25), "triangle": (3, -90, 1.3), "pentagon": (5, -90, 1.15)}
    style = f'fill="{colour}" stroke="#fff" stroke-width="1.5"'
    if name not in corners:
        return f'<circle cx="{x}" cy="{y}" r="{r}" {style}/>'
    n, turn, size = corners[name]
    angles = [math.radians(turn + 360 * k / n) for k in range(n)]
    points = " ".join(f"{x + size * r * math.cos(a):.1f},{y + size * r * math.sin(a):.1f}" for a in angles)
    return f'<polygon points="{points}" {style}/>'


def _field(scene: Scene) -> str:
    """The bands and contours as a PNG of twice the size, base64."""
    heights = Image.fromarray(levels(scene.grid).heights.flip(0).float().numpy())
    large = np.asarray(heights.resize((2 * WIDTH, 2 * HEIGHT), Image.Resampling.BICUBIC))
    band = np.clip(large * palette.BANDS, 0, palette.BANDS - 1).astype(np.uint8)
    edge = (band != np.roll(band, -1, 0)) | (band != np.roll(band, -1, 1))
    edge[-1], edge[:, -1] = False, False
    colours = palette.band_colours(palette.FIELD_LIGHT)
    contours = [tuple(round(0.86 * part) for part in colour) for colour in colours]
    image = Image.fromarray(band + palette.BANDS * edge.astype(np.uint8), mode="P")
    image.putpalette([part for colour in (*colours, *contours) for part in colour])
    file = io.BytesIO()
    image.save(file, "PNG", optimize=True)
    return base64.b64encode(file.getvalue()).decode()
