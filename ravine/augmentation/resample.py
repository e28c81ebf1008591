"""One sampling of a batch: whole pixels are copied, all else is interpolated between the four nearest."""

from functools import lru_cache

import torch
from torch.nn import functional as F

# what is seen beyond the edge -> the name that torch.nn.functional.grid_sample has for it
EDGES = {"reflect": "reflection", "repeat": "border", "black": "zeros"}


def is_exact(matrix: torch.Tensor) -> torch.Tensor:
    """Which of the matrices `[B, 3, 3]` only flip and shift by whole pixels, `[B]`; these lose nothing by copying."""
    target = torch.tensor([[1.0, 0, 0], [0, 1, 0], [0, 0, 1]], device=matrix.device)
    rounded = matrix.clone()
    rounded[:, :2, :2].abs_()
    rounded[:, :2, 2] -= rounded[:, :2, 2].round()
    return (rounded == target).flatten(1).all(1)


def copied(x: torch.Tensor, matrix: torch.Tensor, edge: str) -> torch.Tensor:
    """Images `[B, C, H, W]` of any type under exact matrices `[B, 3, 3]`: same shape and type.

    out[h, w] = in[rows[h], columns[w]]
    """
    batch, channels, height, width = x.shape
    rows, columns = _sources(matrix, 1, height), _sources(matrix, 0, width)
    # whole rows first, which is a fifth of the time of one lookup by both indices
    first = torch.arange(batch * channels, device=x.device).view(batch, channels, 1) * height
    places = (first + _inside(rows, height, edge)[:, None]).flatten()
    out = x.reshape(-1, width).index_select(0, places).view(x.shape)
    out = out.gather(3, _inside(columns, width, edge)[:, None, None].expand(x.shape))
    if edge == "black":
        seen = ((rows >= 0) & (rows < height))[:, :, None] & ((columns >= 0) & (columns < width))[:, None]
        out = out * seen[:, None]
    return out


def sampled(x: torch.Tensor, matrix: torch.Tensor, edge: str, affine: bool) -> torch.Tensor:
    """Images `[B, C, H, W]` of a float type under any matrices `[B, 3, 3]`, bilinear.

    Args:
        affine: whether the last rows are 0 0 1, which saves a division.
    """
    batch, _, height, width = x.shape
    matrix = matrix.to(x.dtype)
    # grid_sample wants -1 and 1 in the middle of the outermost pixels (align_corners)
    half = torch.tensor([max(width - 1, 1) / 2, max(height - 1, 1) / 2, 1.0], dtype=x.dtype, device=x.device)
    scaled = (matrix * half / half[:, None]).transpose(1, 2)
    places = torch.matmul(_places(height, width, x.dtype, x.device), scaled[:, :, :2] if affine else scaled)
    if not affine:
        places = places[:, :, :2] / places[:, :, 2:]
    places = places.view(batch, height, width, 2)
    return F.grid_sample(x, places, "bilinear", EDGES[edge], align_corners=True)


def resampled(x: torch.Tensor, matrix: torch.Tensor, exact: torch.Tensor, edge: str, affine: bool) -> torch.Tensor:
    """Images of any type as floats under their matrices; those that are `exact` `[B]` are copied bit for bit."""
    kind = x.dtype if x.dtype in (torch.float32, torch.float64) else torch.float32
    if exact.all():
        return copied(x, matrix, edge).to(kind)
    out = sampled(x.to(kind, memory_format=torch.contiguous_format), matrix, edge, affine)
    (whole,) = torch.nonzero(exact, as_tuple=True)
    if len(whole):
        out[whole] = copied(x[whole], matrix[whole], edge).to(kind)
    return out


def _sources(matrix: torch.Tensor, axis: int, size: int) -> torch.Tensor:
    """The row (axis 1) or column (axis 0) of the input for each one of the output, `[B, size]`, whole floats."""
    centred = torch.arange(size, device=matrix.device) - (size - 1) / 2
    return (matrix[:, axis, axis, None] * centred + matrix[:, axis, 2, None] + (size - 1) / 2).round()


def _inside(index: torch.Tensor, size: int, edge: str) -> torch.Tensor:
    """Indices within 0 .. size - 1. Reflected: ... 2 1 | 0 1 2 ... size-1 | size-2 ..., again and again."""
    if edge != "reflect":
        return index.clamp(0, size - 1).long()
    there_and_back = max(2 * (size - 1), 1)
    index = index - (index / there_and_back).floor() * there_and_back  # by floats: whole numbers divide slowly
    return torch.minimum(index, 2 * (size - 1) - index).clamp(min=0).long()


@lru_cache(maxsize=16)
def _places(height: int, width: int, dtype: torch.dtype, device: torch.device) -> torch.Tensor:
    """(x, y, 1) of every pixel, `[H W, 3]`, from -1 to 1."""
    y = (torch.arange(height, dtype=dtype, device=device) - (height - 1) / 2) / (max(height - 1, 1) / 2)
    x = (torch.arange(width, dtype=dtype, device=device) - (width - 1) / 2) / (max(width - 1, 1) / 2)
    grid = torch.stack([x.repeat(height), y.repeat_interleave(width), torch.ones(height * width).to(y)], 1)
    return grid
