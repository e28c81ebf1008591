"""Draws docs/pictures/augmentation*.png, as `ravine augment` shows them: a preset, each part alone, flipped digits.

python docs/pictures/draw_augmentation.py cifar10-jpeg.zip
"""

import sys
from dataclasses import replace
from pathlib import Path

from ravine import data
from ravine.augmentation.sheet import Sheet, contact_sheet
from ravine.augmentation.sheet_picture import picture
from ravine.recipe import Recipe
from ravine.runs.defaults import with_held_out

HERE = Path(__file__).parent
PARTS = (
    "flip, flip_vertical, flip_alternating, translate(4), crop(4), resized_crop, rotate(15), scale(0.8, 1.25), "
    "shear(15), perspective(p=1), jitter(0.4), grayscale(0.5), blur(p=1), noise(0.1, p=1), erase(p=1), cutout, "
    "mixup(1.0), cutmix, randaugment, trivialaugment"
)


def sheet(source: str, text: str, images: int) -> Sheet:
    dataset, _ = with_held_out(data.load(source), Recipe())
    train = dataset.splits["train"]
    return contact_sheet(text, train.take, train.y, dataset.classes, title=dataset.name, images=images)


def save(drawn: Sheet, name: str) -> None:
    picture(drawn).quantize(256).save(HERE / name, optimize=True)


def main(cifar: str) -> None:
    whole = sheet(cifar, "standard", images=6)
    save(replace(whole, sections=whole.sections[:1]), "augmentation.png")
    parts = sheet(cifar, PARTS, images=2)
    alone = tuple(replace(section, rows=section.rows[1:]) for section in parts.sections[1:])
    save(replace(parts, sections=alone), "augmentation_parts.png")
    digits = sheet("digits", "flip", images=10)
    rows = tuple(digits.sections[0].rows[i] for i in (2, 3, 5, 6, 7))
    save(replace(digits, sections=(replace(digits.sections[0], rows=rows),)), "augmentation_digits.png")


if __name__ == "__main__":
    main(sys.argv[1])
