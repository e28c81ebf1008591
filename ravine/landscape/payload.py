"""Scenes as JSON: numbers of 16 bits, compressed, so that nine surfaces with all their paths fit in a small page.

    bytes -> base64(zlib(differences from one number to the next, uint16, little-endian))

`data.js` reads it. Positions are spread over three windows, a twentieth of a pixel apart; losses over their logarithm.
"""

import base64
import math
import zlib
from typing import Any

import numpy as np
import torch

from ravine.landscape import palette
from ravine.landscape.levels import levels
from ravine.landscape.scene import Racer, Scene
from ravine.landscape.tracks import room

TOP = 65535
FLOOR = 1e-8  # of the highest loss: what is lower is below the chart


def document(title: str, scenes: tuple[Scene, ...]) -> dict[str, Any]:
    """Everything that a page shows."""
    themes = {
        "light": {"rules": palette.LIGHT, "field": palette.band_colours(palette.FIELD_LIGHT)},
        "dark": {"rules": palette.DARK, "field": palette.band_colours(palette.FIELD_DARK)},
    }
    return {"title": title, "themes": themes, "shapes": palette.SHAPES, "scenes": [_scene(scene) for scene in scenes]}


def _scene(scene: Scene) -> dict[str, Any]:
    plain = ("key", "title", "trap", "sentences", "axes", "window", "start", "minima", "time", "times", "note")
    heights, low, high, offset = levels(scene.grid)
    field = {"rows": len(heights), "columns": heights.shape[1], "low": low, "high": high, "offset": offset}
    span = _span(scene)
    return {
        **{name: getattr(scene, name) for name in plain},
        "field": {**field, "data": _packed(heights)},
        "room": room(scene.window),
        "loss": span,
        "last": scene.last,
        "factors": scene.factors,
        "frictions": scene.frictions,
        "home": scene.home,
        "racers": [_racer(racer, scene, span) for racer in scene.racers],
    }


def _span(scene: Scene) -> tuple[float, float]:
    """The logarithms (base 10) of the lowest and the highest loss that the chart can show.

    Room for the best that a slider can find, and above for half a decade more than there is at first: what diverges
    leaves through the top.
    """
    shown = [racer.losses[scene.shown(racer)] for racer in scene.racers]
    highest = max(float(losses.nan_to_num(0, 0, 0).max()) for losses in shown) or 1.0
    lowest = min(float(racer.losses.nan_to_num(highest, highest, highest).min()) for racer in scene.racers)
    high = math.log10(highest)
    return max(math.log10(max(lowest, 1e-300)), high + math.log10(FLOOR)) - 0.1, high + 0.5


def _racer(racer: Racer, scene: Scene, span: tuple[float, float]) -> dict[str, Any]:
    x0, x1, y0, y1 = room(scene.window)
    x, y = racer.paths.unbind(-1)
    loss = racer.losses.nan_to_num(math.inf, math.inf).clamp(1e-300, 1e300).log10()
    columns = ((x - x0) / (x1 - x0), (y - y0) / (y1 - y0), (loss - span[0]) / (span[1] - span[0]))
    return {
        "name": racer.name,
        "formula": racer.formula,
        "rates": racer.rates,
        "momenta": len(racer.paths),
        "ended": racer.ended.tolist(),
        "data": _packed(torch.stack(columns, 2)),  # [F, R, 3, T + 1]
    }


def _packed(shares: torch.Tensor) -> str:
    """Numbers from 0 to 1, in order; what lies outside is put on the edge."""
    whole = (shares.clamp(0, 1) * TOP).round().to(torch.int32).flatten().numpy()
    steps = np.diff(whole, prepend=0).astype(np.uint16).astype("<u2")  # modulo 65536
    return base64.b64encode(zlib.compress(steps.tobytes(), 9)).decode()
