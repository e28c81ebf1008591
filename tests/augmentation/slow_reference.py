"""What the fast code is measured against: one pixel at a time, in float64 numpy, written from the definitions."""

import numpy as np


def reflect(i, size):
    """... 2 1 | 0 1 2 ... size-1 | size-2 ..."""
    while size > 1 and not 0 <= i < size:
        i = -i if i < 0 else 2 * (size - 1) - i
    return 0 if size == 1 else i


def pixel(image, row, column, edge):
    """`[C]` at whole coordinates, also outside."""
    _, height, width = image.shape
    if edge == "black" and not (0 <= row < height and 0 <= column < width):
        return np.zeros(len(image))
    if edge == "repeat":
        row, column = min(max(row, 0), height - 1), min(max(column, 0), width - 1)
    return image[:, reflect(row, height), reflect(column, width)].astype(np.float64)


def bilinear(image, row, column, edge="reflect"):
    """`[C]` at any coordinates, between the four nearest pixels."""
    top, left = int(np.floor(row)), int(np.floor(column))
    down, right = row - top, column - left
    return (
        pixel(image, top, left, edge) * (1 - down) * (1 - right)
        + pixel(image, top, left + 1, edge) * (1 - down) * right
        + pixel(image, top + 1, left, edge) * down * (1 - right)
        + pixel(image, top + 1, left + 1, edge) * down * right
    )


def warped(image, matrix, edge="reflect"):
    """An image `[C, H, W]` under a 3 x 3 matrix on centred coordinates."""
    channels, height, width = image.shape
    out = np.zeros((channels, height, width))
    for h in range(height):
        for w in range(width):
            x, y, scale = matrix @ np.array([w - (width - 1) / 2, h - (height - 1) / 2, 1.0])
            out[:, h, w] = bilinear(image, y / scale + (height - 1) / 2, x / scale + (width - 1) / 2, edge)
    return out
