"""What pretrained weights gain: fine-tuned, probed and from scratch, and accuracy against time.

    python benchmarks/transfer.py [cifar10-jpeg.zip] [--weights resnet20-12fca82f.th] [--keep cells.json] [--quick]

Few images: a network that was pretrained on some classes is fine-tuned on the others with a few images a class. A seed
is other images and other draws, the same for all three ways: `ravine finetune`, `ravine probe` (a linear probe on the
frozen features) and `ravine train`, each as the command decides for itself. The pretrained network is one, so that the
95% intervals (Student's t over seeds) are for new images and draws with this network. Digits always; cat and dog, with
the other 8 classes of CIFAR-10 to pretrain on, where a path is given; with --weights also the accuracy of that network
against time. What is shown is the accuracy on test images of the best epoch by validation, which is what a user gets.

With --keep each finished training is written down, and the same command goes on after an interruption; another version
of ravine is measured with another file.
"""

import argparse
import tempfile
from dataclasses import replace
from pathlib import Path

import numpy as np
from machine import describe
from transfer_lab import Cell, Kept, mean_interval, pretrained, probed, scratch, tuned, with_images
from transfer_time import against_time

from ravine import data
from ravine.cli.allocator import keep_freed_memory

WAYS = {"fine-tuned": tuned, "probed": probed, "from scratch": scratch}
OVER = {"fine-tuned": ("from scratch", "probed"), "probed": ("from scratch",), "from scratch": ()}
NEW = ("cat", "dog")


def few_shot(
    title: str,
    kept: Kept,
    dataset: data.Dataset,
    new: tuple[str, ...],
    weights: Path,
    counts: list[int],
    seeds: int,
    judging: int = 0,
) -> None:
    """A table: with so many images a class, each way's accuracy, and what is gained over the others, seed by seed."""
    print(f"\n{title}; {seeds} paired seeds")
    shown = f"{'a class':>8}  {'way':14}{'accuracy, 95% interval':26}{'points over scratch':26}"
    print(f"{shown}{'points over probed':26}{'last epoch':12}seconds")
    for count in counts:
        cells: dict[str, list[Cell]] = {name: [] for name in WAYS}
        for seed in range(seeds):
            images = with_images(dataset, new, count, seed, judging)
            for name, way in WAYS.items():
                key = f"{title} | {count} a class | {name} | seed {seed}"
                cells[name].append(kept.cell(key, lambda way=way, images=images, seed=seed: way(images, seed, weights)))
        accuracy = {name: np.array([cell.accuracy for cell in found]) for name, found in cells.items()}
        for name, found in cells.items():
            over = [
                mean_interval(100 * (accuracy[name] - accuracy[other]), "+.1f") if other in OVER[name] else ""
                for other in ("from scratch", "probed")
            ]
            last = "" if name == "probed" else f"{np.mean([cell.last for cell in found]):.1%}"
            seconds = np.mean([cell.seconds for cell in found])
            shown = f"{count:8}  {name:14}{mean_interval(accuracy[name], '.1%'):26}{over[0]:26}{over[1]:26}"
            print(f"{shown}{last:12}{seconds:.1f}", flush=True)


def on_digits(kept: Kept, seeds: int, quick: bool) -> None:
    digits = data.load("digits")
    classes = digits.classes
    weights = pretrained(kept, "digits", with_images(digits, classes[:5], None, 0), model="convnet(width=8)")
    counts = [5] if quick else [5, 20, 100]
    title = "Digits 5 to 9, with a convnet(width=8) pretrained on 0 to 4; 350 test images a seed"
    few_shot(title, kept, digits, classes[5:], weights, counts, seeds, judging=70)


def on_cifar(kept: Kept, dataset: data.Dataset, seeds: int, pretrain_images: int | None, quick: bool) -> None:
    old = tuple(name for name in dataset.classes if name not in NEW)
    some = pretrain_images // len(old) if pretrain_images else None
    settings = {"model": "convnet(width=8)", "epochs": 2} if quick else {}
    used = with_images(dataset, old, some, 0)
    weights = pretrained(kept, "cifar", used, **settings)
    model = settings.get("model", "convnet")
    title = f"CIFAR-10's cat and dog, with a {model} pretrained on {len(used['x']):,} images of the other 8 classes"
    few_shot(title, kept, dataset, NEW, weights, [20] if quick else [20, 100, 500], seeds)


def main() -> None:
    parser = argparse.ArgumentParser(description="What pretrained weights gain.")
    parser.add_argument("cifar", nargs="?", help="path of CIFAR-10; without it only the digits")
    parser.add_argument("--weights", help="pretrained network whose accuracy against time is measured on CIFAR-10")
    parser.add_argument("--keep", help="a JSON file of finished trainings, which are not done again")
    parser.add_argument("--only", default="digits, few, time", help="which parts")
    parser.add_argument("--seeds", type=int, default=5, help="of the tables with few images")
    parser.add_argument("--pretrain-images", type=int, help="of the 8 classes; all where not given")
    parser.add_argument("--images", type=int, default=5000, help="of CIFAR-10, for accuracy against time")
    parser.add_argument("--time-seeds", type=int, default=3, help="of accuracy against time")
    parser.add_argument("--quick", action="store_true", help="small settings that show only that it works")
    options = parser.parse_args()
    only = {part.strip() for part in options.only.split(",")}
    if unknown := only - {"digits", "few", "time"}:
        parser.error(f"--only: no part {', '.join(sorted(unknown))}; there are digits, few, time")
    if options.weights and not options.cifar:
        parser.error("--weights is measured on CIFAR-10: give its path")
    seeds = 2 if options.quick else options.seeds
    keep_freed_memory()
    print(describe(seeds))
    with tempfile.TemporaryDirectory() as scratch_folder:
        kept = Kept(Path(options.keep) if options.keep else None, Path(scratch_folder))
        if "digits" in only:
            on_digits(kept, seeds, options.quick)
        if options.cifar:
            dataset = data.load(options.cifar)
            if options.quick:
                test = dataset.splits["test"]
                dataset = replace(dataset, splits={**dataset.splits, "test": test.part(np.arange(0, len(test), 20))})
            if "few" in only:
                on_cifar(kept, dataset, seeds, 800 if options.quick else options.pretrain_images, options.quick)
            if options.weights and "time" in only:
                n, epochs = (200, [1]) if options.quick else (options.images, [3, 10, 20])
                against_time(kept, dataset, options.weights, n, epochs, 1 if options.quick else options.time_seeds)


if __name__ == "__main__":
    main()
