"""The contact sheet: real images, and beside each what a training would be shown of it in its first epochs."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from inspect import getdoc

import numpy as np
import torch

from ravine import spec
from ravine.augmentation import AUGMENTATIONS, Edge, Part, Pipeline, parse
from ravine.augmentation.presets import expanded
from ravine.errors import UsageError

DRAWS = 8
ALONE = 2  # images that each part alone is shown on


@dataclass(frozen=True)
class Row:
    """An image and its draws, as pixels `uint8 [H, W, 1|3]`; `captions` says what labels a mixed draw has."""

    original: np.ndarray
    label: str
    draws: tuple[np.ndarray, ...]
    captions: tuple[str, ...]


@dataclass(frozen=True)
class Section:
    """What one part does, or all together: what is typed, a sentence or two, and the images."""

    title: str
    says: str
    rows: tuple[Row, ...]


@dataclass(frozen=True)
class Sheet:
    """Everything a contact sheet shows: all parts together first, then each alone.

    `facts` are one line about the data; `warnings` what a person should look at first.
    """

    title: str
    facts: str
    warnings: tuple[str, ...]
    sections: tuple[Section, ...]


def contact_sheet(
    text: str,
    take: Callable[[np.ndarray], np.ndarray],
    y: np.ndarray,
    classes: Sequence[str],
    *,
    title: str,
    images: int = 6,
    seed: int = 0,
) -> Sheet:
    """Draws a sheet; its columns are what epochs 1 to 8 of a training with this seed show of an image.

    Args:
        text: as of `--augment`.
        take: training images by index, int64 `[M]` to uint8 `[M, C, H, W]`.
        y: their labels, int64 `[N]`.
        classes: names.
        title: of the data.
        images: how many are shown, of as many classes as there are.
        seed: of the draws.

    Raises:
        UsageError: the text names nothing, or cannot be read or done to these images.
    """
    shape = take(np.arange(1)).shape[1:]
    parts = parse(text, shape)
    names = [str(one) for one in spec.parse_list(expanded(text, shape))]
    if not parts:
        raise UsageError("there is nothing to show", where=f"--augment {text!r}", expected="at least one part")
    Pipeline(parts, classes=len(classes)).refuse(*shape)
    rows = chosen(y, images)
    edges = [part for part in parts if isinstance(part, Edge)]
    whole = ", ".join(names)
    says = (
        f"{'' if whole == text else f'That is {whole}. '}Column e is what epoch e of a training with this seed shows."
    )
    shown = [(f'--augment "{text}"', says, parts, rows)]
    shown += [
        (name, _says(part), [part, *edges], rows[:ALONE])
        for name, part in zip(names, parts, strict=True)
        if not isinstance(part, Edge) and len(parts) > 1
    ]
    sections = (
        Section(heading, says, _rows(Pipeline(own, classes=len(classes)), take, y, classes, where, seed))
        for heading, says, own, where in shown
    )
    facts = (
        f"{len(y):,} training images of {shape[2]} x {shape[1]}, {'gray' if shape[0] == 1 else 'colour'}; seed {seed}"
    )
    return Sheet(title, facts, tuple(_warnings(parts, shape)), tuple(sections))


def chosen(y: np.ndarray, images: int) -> np.ndarray:
    """Indices `[images]` of images, one of each class in turn, the classes spread evenly."""
    present = np.unique(y)
    if images < len(present):
        present = present[np.linspace(0, len(present) - 1, images).round().astype(int)]
    of_class = {label: np.flatnonzero(y == label) for label in present}
    turns = [of_class[label][turn] for turn in range(len(y)) for label in present if turn < len(of_class[label])]
    return np.array(turns[:images])


def _rows(
    pipeline: Pipeline,
    take: Callable[[np.ndarray], np.ndarray],
    y: np.ndarray,
    classes: Sequence[str],
    rows: np.ndarray,
    seed: int,
) -> tuple[Row, ...]:
    images, captions = [], []
    for epoch in range(DRAWS):
        table = pipeline.numbers(len(y), seed, epoch=epoch)
        x, soft = _drawn(pipeline, take, y, rows, table)
        images.append(_pixels(x))
        captions.append([_caption(label, classes) for label in soft] if soft is not None else [""] * len(rows))
    originals = _pixels(torch.from_numpy(take(rows)))
    return tuple(
        Row(
            originals[i],
            classes[int(y[row])],
            tuple(column[i] for column in images),
            tuple(column[i] for column in captions),
        )
        for i, row in enumerate(rows)
    )


def _drawn(
    pipeline: Pipeline, take: Callable[[np.ndarray], np.ndarray], y: np.ndarray, rows: np.ndarray, table: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor | None]:
    """What a training shows of these rows in the epoch of this table, and labels where they are mixed."""
    own, numbers = pipeline.own_draws, table[torch.from_numpy(rows)]
    x = pipeline.images(torch.from_numpy(take(rows)), numbers[:, :own])
    if pipeline.mixer is None:
        return x, None
    partners = pipeline.mixer.partners(numbers[:, own:], len(y))
    other = pipeline.images(torch.from_numpy(take(partners.numpy())), table[partners][:, :own])
    labels = torch.from_numpy(y)
    return pipeline.mixer(x, other, labels[torch.from_numpy(rows)], labels[partners], numbers[:, own:])


def _pixels(x: torch.Tensor) -> list[np.ndarray]:
    return list(np.ascontiguousarray(x.permute(0, 2, 3, 1).numpy()))


def _caption(label: torch.Tensor, classes: Sequence[str]) -> str:
    shares = sorted(((float(share), classes[c]) for c, share in enumerate(label) if share >= 0.005), reverse=True)
    return ", ".join(f"{name} {share:.0%}" for share, name in shares) if len(shares) > 1 else ""


def _says(part: Part) -> str:
    """The first sentence of a part's docstring."""
    return " ".join((getdoc(type(part)) or "").split("\n\n")[0].split()).replace("`", "")


def _warnings(parts: Sequence[Part], shape: tuple[int, ...]) -> list[str]:
    said = []
    flips = [
        name for name, kind in AUGMENTATIONS.items() if any(type(part) is kind for part in parts) and "flip" in name
    ]
    if flips and shape[0] == 1:
        said.append(
            f"{', '.join(flips)} on gray images: are these digits, letters or signs? Then a mirrored one is another "
            "one, or none. Look at each row below."
        )
    if any(type(part) is AUGMENTATIONS["trivialaugment"] for part in parts) and shape[0] == 1:
        said.append("trivialaugment turns images by up to 135 degrees: a 6 becomes a 9.")
    if any(getattr(part, "degrees", 0) > 45 for part in parts):
        said.append("Rotations beyond 45 degrees: what is up and what is down no longer tells classes apart.")
    return said
