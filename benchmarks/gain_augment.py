"""What augmentation and regularization gain: test accuracy with and without, by pairs of equal seeds.

    python benchmarks/gain_augment.py [cifar10-jpeg.zip] [--images 12000] [--epochs 20] [--only "flip; mixup(0.2)"]

Every row is a training from the same five initial weights, on the same images in the same order, that differs in the
one setting named. The gain is the mean of the five differences in test accuracy after the last epoch, in points, with
its 95% interval (paired Student's t); nothing is chosen on the test images. Digits always; CIFAR-10 where a path is
given.
"""

import argparse
import math
import time

import numpy as np
import torch
from machine import describe
from optimizers_digits import subset
from scipy import stats

from ravine import data
from ravine.cli.allocator import keep_freed_memory
from ravine.recipe import Recipe
from ravine.runs.defaults import resolve, with_held_out
from ravine.runs.trainer import Training

DIGITS = {
    "light": {"augment": "light"},
    "standard": {"augment": "standard"},
    "strong": {"augment": "strong"},
    "translate(1)": {"augment": "translate(1)"},
    "rotate(15)": {"augment": "rotate(15)"},
    "scale(0.8, 1.25)": {"augment": "scale(0.8, 1.25)"},
    "shear(10)": {"augment": "shear(10)"},
    "jitter(0.2)": {"augment": "jitter(brightness=0.2, contrast=0.2)"},
    "erase": {"augment": "erase"},
    "mixup(0.2)": {"augment": "mixup(0.2)"},
    "flip (a mistake)": {"augment": "flip"},
    "dropout(0.3)": {"regularize": "dropout(0.3)"},
    "l2(5e-4)": {"regularize": "l2(5e-4)"},
}
CIFAR = {
    "light": {"augment": "light"},
    "standard": {"augment": "standard"},
    "strong": {"augment": "strong"},
    "flip": {"augment": "flip"},
    "flip_alternating": {"augment": "flip_alternating"},
    "translate(2)": {"augment": "translate(2)"},
    "translate(4)": {"augment": "translate(4)"},
    "rotate(15)": {"augment": "rotate(15)"},
    "scale(0.8, 1.25)": {"augment": "scale(0.8, 1.25)"},
    "resized_crop": {"augment": "resized_crop"},
    "jitter(0.2)": {"augment": "jitter(0.2)"},
    "grayscale": {"augment": "grayscale"},
    "erase": {"augment": "erase"},
    "cutout": {"augment": "cutout"},
    "mixup(0.2)": {"augment": "mixup(0.2)"},
    "cutmix": {"augment": "cutmix"},
    "randaugment": {"augment": "randaugment"},
    "trivialaugment": {"augment": "trivialaugment"},
    "dropout(0.3)": {"regularize": "dropout(0.3)"},
    "l2(5e-4)": {"regularize": "l2(5e-4)"},
    "light, l2(5e-4)": {"augment": "light", "regularize": "l2(5e-4)"},
}


def accuracies(recipe: Recipe, dataset: data.Dataset) -> np.ndarray:
    """Test accuracies `[K]` after the last epoch; member k begins and goes on alike whatever the recipe changes."""
    recipe, _ = resolve(recipe, dataset, torch.device("cpu"))
    training = Training(recipe, dataset, torch.device("cpu"))
    for _ in training.epochs():
        pass
    with training.deployed():
        return np.array(training.score("test").accuracy)


def gain(with_it: np.ndarray, without: np.ndarray) -> str:
    """Mean difference in points and its 95% interval (paired t)."""
    points = 100 * (with_it - without)
    half = stats.t.ppf(0.975, len(points) - 1) * points.std(ddof=1) / math.sqrt(len(points))
    return f"{points.mean():+.2f} ({points.mean() - half:+.2f} to {points.mean() + half:+.2f})"


def table(title: str, dataset: data.Dataset, recipe: Recipe, cases: dict[str, dict[str, str]]) -> None:
    dataset, recipe = with_held_out(dataset, recipe)
    sizes = ", ".join(f"{len(split):,} {name}" for name, split in dataset.splits.items())
    print(f"\n{title}: {recipe.model}, {recipe.epochs} epochs; {sizes} images; {recipe.members} paired seeds")
    print(f"{'with':20}{'accuracy':10}{'gain in points, 95% interval':32}seconds")
    without = None
    for name, settings in {"nothing": {}, **cases}.items():
        started = time.perf_counter()
        found = accuracies(recipe.changed(**settings), dataset)
        without = found if without is None else without
        shown = "" if found is without else gain(found, without)
        print(f"{name:20}{found.mean():<10.2%}{shown:32}{time.perf_counter() - started:.0f}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description="What augmentation and regularization gain.")
    parser.add_argument("cifar", nargs="?", help="path of CIFAR-10; without it only the digits")
    parser.add_argument("--images", type=int, default=12_000, help="of CIFAR-10 to train on")
    parser.add_argument("--epochs", type=int, default=20)
    parser.add_argument("--width", type=int, default=16, help="of the network for CIFAR-10")
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--only", default="", help="rows, separated by semicolons")
    options = parser.parse_args()
    keep_freed_memory()
    print(describe(options.seeds))
    only = [name.strip() for name in options.only.split(";") if name.strip()]
    common = Recipe(augment="none", members=options.seeds, forward="loop", epochs=options.epochs, seed=1)
    digits = common.changed(model="convnet(width=8)", batch=32, test=0.2)
    rows = {name: case for name, case in DIGITS.items() if not only or name in only}
    table("digits", data.load("digits"), digits, rows)
    if options.cifar:
        some = subset(data.load(options.cifar), options.images)
        rows = {name: case for name, case in CIFAR.items() if not only or name in only}
        recipe = common.changed(model=f"convnet(width={options.width})", batch=64)
        table(f"CIFAR-10, {options.images:,} images", some, recipe, rows)


if __name__ == "__main__":
    main()
