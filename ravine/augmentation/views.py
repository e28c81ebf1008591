"""Test-time augmentation: several views of one image, and the average of what a network makes of them."""

from collections.abc import Callable
from typing import Any

import torch

from ravine.augmentation.part import Mixing
from ravine.augmentation.pipeline import Pipeline
from ravine.augmentation.resample import resampled
from ravine.errors import UsageError

View = Callable[[torch.Tensor], torch.Tensor]

_CROP = 7 / 8  # of a side: 224 of 256, as Krizhevsky et al. 2012 took


def views(tta: str | int, training: Callable[[], tuple[Pipeline, int]]) -> list[View]:
    """What a network is shown of each image: functions from raw images `[B, C, H, W]` to as many of the same shape.

        p(class) = mean over the views of softmax(network(view(image)))

    Every image gets the same views, so that an answer does not depend on what else is asked.

    Args:
        tta: "none", the image itself; "flip", it and its mirror image; "shift", it and it moved by a pixel down and
            right and up and left, and their mirror images (Jordan, "94% on CIFAR-10 in 3.29 Seconds on a Single GPU",
            2024); "10crop", four corners and the middle of 7/8 of its sides, enlarged, and their mirror images; N, so
            many draws of the training pipeline.
        training: the training pipeline and its seed; asked only for N.

    Raises:
        UsageError: another word; N where nothing was augmented.
    """
    if tta == "none":
        return [lambda x: x]
    if tta == "flip":
        return [lambda x: x, lambda x: x.flip(3)]
    if tta == "shift":
        return [_moved(by, mirrored) for mirrored in (False, True) for by in (0, 1, -1)]
    if tta == "10crop":
        middles = [(0, 0), (-1, -1), (-1, 1), (1, -1), (1, 1)]
        return [_crop(y, x, mirrored) for mirrored in (False, True) for y, x in middles]
    return _draws(count(tta), *training())


def count(tta: Any) -> int:
    """N of `--tta N`. Raises UsageError where it is none of the words and no whole number from 1 to 1000."""
    text = str(tta)
    if isinstance(tta, bool) or not text.isdecimal() or not 1 <= int(text) <= 1000:
        expected = "none, flip, shift, 10crop or a number from 1 to 1000"
        raise UsageError(f"cannot be {tta!r}", where="--tta", expected=expected)
    return int(text)


def _moved(by: int, mirrored: bool) -> View:
    """Moved by so many pixels down and right; what comes in over an edge is a reflection."""

    def view(images: torch.Tensor) -> torch.Tensor:
        rows, columns = (_reflected(torch.arange(side, device=images.device) - by) for side in images.shape[2:])
        moved = images[:, :, rows][:, :, :, columns]
        return moved.flip(3) if mirrored else moved

    return view


def _reflected(places: torch.Tensor) -> torch.Tensor:
    """Places on a line of as many, those beyond an end reflected at it."""
    last = len(places) - 1
    return (last - (last - places.abs()).abs()).clamp(min=0)


def _crop(y: int, x: int, mirrored: bool) -> View:
    """A piece at the edges that x and y (-1, 0, 1) name, enlarged to the whole."""

    def view(images: torch.Tensor) -> torch.Tensor:
        height, width = images.shape[2:]
        free = (1 - _CROP) / 2
        matrix = torch.tensor(
            [[-_CROP if mirrored else _CROP, 0, x * free * width], [0, _CROP, y * free * height], [0, 0, 1]],
            device=images.device,
        ).expand(len(images), 3, 3)
        exact = torch.zeros(len(images), dtype=torch.bool)
        return resampled(images, matrix, exact, "reflect", affine=True)

    return view


def _draws(n: int, pipeline: Pipeline, seed: int) -> list[View]:
    parts = [part for part in pipeline.parts if not isinstance(part, Mixing)]
    if not parts:
        cure = "--tta flip and --tta 10crop need none"
        raise UsageError("trained without augmentation of single images", where=f"--tta {n}", cure=cure)
    single = Pipeline(parts)
    table = single.numbers(n, seed, purpose="tta")

    def drawn(row: torch.Tensor) -> View:
        return lambda x: single.images(x, row.to(x.device).expand(len(x), -1))

    return [drawn(row) for row in table]
