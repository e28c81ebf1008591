"""Which rate a rule is shown at: the best of many, by one criterion for all rules."""

import torch

from ravine.landscape.tracks import Tracks

RATES = tuple(2 ** (j / 2) for j in range(-32, 9))  # 1.5e-5 to 16
FACTORS = tuple(2.0**j for j in range(-4, 5))
FRICTIONS = (0.0, 0.5, 0.9, 0.95, 0.99)
FLOOR = 1e-8  # of the first loss: what lies below is as good as 0

CRITERION = (
    f"Each rule runs at the best of {len(RATES)} rates, each 1.41 times the one before: the rate whose loss, on a "
    "logarithmic scale, is lowest on average over the race, of those that keep the path in the picture. The rate "
    "slider multiplies it."
)


def best(tracks: Tracks, window: tuple[float, float, float, float]) -> int:
    """The index of the best rate by `CRITERION`; 0, the smallest, where every path leaves the picture."""
    x0, x1, y0, y1 = window
    x, y = tracks.paths.unbind(-1)
    seen = ((x >= x0) & (x <= x1) & (y >= y0) & (y <= y1)).all(1)
    floor = FLOOR * tracks.losses[:, :1]
    height = tracks.losses.maximum(floor).log().mean(1)
    return int(torch.where(seen, height, torch.inf).argmin())
