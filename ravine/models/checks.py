"""The refusals that all models share: a setting of another kind or out of its range, data of the wrong shape."""

from typing import Any

from ravine.errors import UsageError


def check_whole(model: str, setting: str, value: Any, least: int, most: int) -> int:
    """`value`, where it is an int in [least, most]; UsageError naming `setting` otherwise (True is no number)."""
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
        expected = f"a whole number from {least} to {most}"
        raise UsageError(f"{setting}={value!r} is not allowed", where=f"model {model}", expected=expected)
    return value


def check_flag(model: str, setting: str, value: Any) -> bool:
    """`value`, where it is a bool; UsageError naming `setting` otherwise."""
    if not isinstance(value, bool):
        raise UsageError(f"{setting}={value!r} is not allowed", where=f"model {model}", expected="true or false")
    return value


def check_image(model: str, in_shape: tuple[int, ...], least: int) -> tuple[int, int, int]:
    """`in_shape` as (C, H, W), where it is an image of at least `least` pixels a side; UsageError otherwise."""
    if len(in_shape) != 3:
        found = f"the data have shape {tuple(in_shape)}"
        raise UsageError(found, where=f"model {model}", expected="images [C, H, W]", cure="Use mlp for feature arrays.")
    channels, height, width = in_shape
    if min(height, width) < least:
        found = f"images of {height}x{width} pixels are too small"
        cure = "Enlarge the images with --size, or use mlp."
        raise UsageError(found, where=f"model {model}", expected=f"{least} or more a side", cure=cure)
    return channels, height, width
