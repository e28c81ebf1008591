"""The loss of a network around its weights, on a plane through them: two directions of a million are what one can see.

Li, Xu, Taylor, Studer and Goldstein, "Visualizing the Loss Landscape of Neural Nets", 2018.
"""

from collections.abc import Callable, Iterable
from typing import NamedTuple

import torch

from ravine import draws
from ravine.errors import DataError

Window = tuple[float, float, float, float]


class Plane(NamedTuple):
    """`weights(x, y) = center + x directions[0] + y directions[1]`.

    Attributes:
        center: `[P]`.
        directions: `[2, P]`.
        share: of the path's squared length that each direction holds, `(x, y)`; NaN where they are not the path's.
    """

    center: torch.Tensor
    directions: torch.Tensor
    share: tuple[float, float]

    def coordinates(self, weights: torch.Tensor) -> torch.Tensor:
        """Where weights `[N, P]` lie, dropped straight onto the plane: `[N, 2]`, in float64."""
        d = self.directions.double()
        return torch.linalg.solve(d @ d.T, d @ (weights - self.center).double().T).T


def along_path(path: torch.Tensor, center: torch.Tensor) -> Plane:
    """The plane of the two main directions of a training path: the first principal components of `path - center`.

    Orthogonal and of length 1, so that distances on the plane are distances between weights. The sign is such that the
    path comes from the left and from below.

    Args:
        path: `[N, P]` weights along the way, N of 3 or more.
        center: `[P]`, the weights at its end.

    Raises:
        DataError: the weights never moved, or only along one line.
    """
    away = (path - center).double()
    # the principal components of N rows lie in their span: N x N numbers instead of P x P
    values, vectors = torch.linalg.eigh(away @ away.T)
    values, vectors = values.flip(0).clamp_min(0), vectors.flip(1)
    if not values[1] > 1e-12 * values[0]:
        raise DataError("the path has no two directions", where="landscape", expected="weights that moved")
    directions = (vectors[:, :2].T @ away) / values[:2].sqrt()[:, None]
    start = directions @ away[0]
    directions = torch.where(start[:, None] > 0, -directions, directions)
    share = (values[:2] / values.sum()).tolist()
    return Plane(center, directions.to(center.dtype), (share[0], share[1]))


def at_random(center: torch.Tensor, shapes: Iterable[tuple[int, int, tuple[int, ...]]], seed: int = 0) -> Plane:
    """A plane of two random directions, filter by filter as long as the weights: a step of 1 doubles a filter.

        d_i <- d_i |w_i| / |d_i|        for each filter (or row) i; 0 for biases and norms

    Without it a network with large weights would look flat and one with small ones sharp, although batch norm makes
    both the same.

    Args:
        center: `[P]` weights.
        shapes: (start, stop, shape) of each parameter.
        seed: of the directions.
    """
    generator = draws.generator(seed, 0, "landscape")
    directions = torch.randn(2, len(center), generator=generator).to(center)
    for start, stop, shape in shapes:
        if len(shape) < 2:
            directions[:, start:stop] = 0
            continue
        w, d = center[start:stop].view(shape[0], -1), directions[:, start:stop].view(2, shape[0], -1)
        d.mul_(w.norm(dim=1)[None, :, None] / d.norm(dim=2, keepdim=True).clamp_min(1e-30))
    return Plane(center, directions, (float("nan"), float("nan")))


def around(points: torch.Tensor, margin: float = 0.3) -> Window:
    """A window around points `[N, 2]` and the origin, with a margin; neither side is under a fifth of the other."""
    points = torch.cat([points, torch.zeros(1, 2, dtype=points.dtype)])
    low, high = points.amin(0), points.amax(0)
    size = (high - low).clamp_min(float((high - low).max()) / 5)
    middle = (low + high) / 2
    (x0, y0), (x1, y1) = (middle - size * (0.5 + margin)).tolist(), (middle + size * (0.5 + margin)).tolist()
    return x0, x1, y0, y1


def wider(window: Window, grid: torch.Tensor) -> Window:
    """The window, half as large again towards the lowest loss of its grid if that lies on the frame; else as it is."""
    lowest = int(grid.nan_to_num(torch.inf).argmin())
    (row, column), (rows, columns) = divmod(lowest, grid.shape[1]), grid.shape
    x0, x1, y0, y1 = window
    width, height = (x1 - x0) / 2, (y1 - y0) / 2
    return (
        x0 - width * (column == 0), x1 + width * (column == columns - 1),
        y0 - height * (row == 0), y1 + height * (row == rows - 1),
    )  # fmt: skip


def losses(
    plane: Plane, window: Window, points: int, loss: Callable[[torch.Tensor], float], tick: Callable[[int], None]
) -> torch.Tensor:
    """`[points, points]` float64: the loss over the window, lowest y first, the outermost on its frame.

    Args:
        loss: of weights `[P]`.
        tick: told how many of `points * points` are done.
    """
    x0, x1, y0, y1 = window
    grid = torch.empty(points, points, dtype=torch.float64)
    for i, y in enumerate(torch.linspace(y0, y1, points)):
        for j, x in enumerate(torch.linspace(x0, x1, points)):
            grid[i, j] = loss(plane.center + x * plane.directions[0] + y * plane.directions[1])
            tick(i * points + j + 1)
    return grid
