"""Names for ready-made pipelines, and the reading of `--augment`: each preset is a text of the same grammar."""

from collections.abc import Callable, Mapping

from ravine import spec
from ravine.augmentation.part import Part

Shape = tuple[int, ...]


def light(shape: Shape) -> str:
    """Colour: flips and small shifts. Gray: small shifts alone, since a mirrored digit or letter is another one."""
    shift = f"translate({max(1, round(min(shape[1:]) / 16))})"
    return f"flip, {shift}" if shape[0] == 3 else shift


def standard(shape: Shape) -> str:
    """What is safe for most pictures: framing, a slight turn, other light."""
    if shape[0] != 3:
        return f"{light(shape)}, rotate(10), scale(0.9, 1.1), jitter(brightness=0.2, contrast=0.2)"
    return f"{light(shape)}, rotate(10), scale(0.9, 1.1), jitter(0.2)"


def strong(shape: Shape) -> str:
    """For long trainings, and for networks that have learned the training images by heart."""
    shift = f"translate({max(1, round(min(shape[1:]) / 8))})"
    if shape[0] != 3:
        return f"{shift}, rotate(15), scale(0.8, 1.25), shear(10), jitter(brightness=0.3, contrast=0.3), erase(p=0.25)"
    return f"flip, {shift}, rotate(15), scale(0.8, 1.25), jitter(0.4), erase(p=0.5), cutmix(p=0.5)"


PRESETS: dict[str, Callable[[Shape], str]] = {"light": light, "standard": standard, "strong": strong}


def expanded(text: str, shape: Shape, flag: str = "--augment") -> str:
    """The text with each preset's name replaced by what it stands for on images of shape (C, H, W); "none" if nothing.

    >>> expanded("light, erase", (3, 32, 32))
    'flip, translate(2), erase'

    Raises:
        UsageError: the text cannot be read.
    """
    pieces = spec.parse_list(text, flag=flag)
    whole = [
        PRESETS[one.name](shape) if one == spec.Spec(one.name) and one.name in PRESETS else str(one) for one in pieces
    ]
    return ", ".join(whole) or "none"


def parts(text: str, shape: Shape, table: Mapping[str, Callable[..., Part]], flag: str = "--augment") -> list[Part]:
    """The parts that a text names, ready to be drawn for images of shape (C, H, W). Raises UsageError."""
    known = {**table, **PRESETS}  # so that a slip in a preset's name is met with it
    pieces = spec.parse_list(expanded(text, shape, flag), flag=flag)
    for one in pieces:
        spec.bind(one, known, flag=flag)
    return [spec.build(one, table, flag=flag) for one in pieces]
