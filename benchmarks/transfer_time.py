"""Accuracy against time: a pretrained network as it is, its head alone, all of it, and from scratch in that time."""

from collections.abc import Callable

import numpy as np
from transfer_lab import Arrays, Cell, Kept, mean_interval, probed, scratch, tuned, with_images

from ravine import data, pretrained

HEAD = "all but head"
Make = Callable[[Arrays, int], Cell]


class Rows:
    """The rows of one table. A seed is other images and other draws.

    Args:
        kept: the finished cells.
        title: of the table, by which its cells are told from others.
        images: the training and test images of each seed.
    """

    def __init__(self, kept: Kept, title: str, images: list[Arrays]):
        self.kept, self.title, self.images = kept, title, images
        print(f"\n{title}; {len(images[0]['y_test']):,} test images; n = {len(images)} seed(s)")
        print(f"{'way':36}{'epochs':>7}{'seconds':>9}  {'accuracy, 95% interval':26}last epoch")

    def add(self, name: str, make: Make, settings: str = "") -> float:
        """Prints the row of a way, made anew with other `settings`; its mean seconds."""
        found = []
        for seed, images in enumerate(self.images):
            key = f"{self.title} | {name}{settings} | seed {seed}"
            found.append(self.kept.cell(key, lambda images=images, seed=seed: make(images, seed)))
        seconds = float(np.mean([cell.seconds for cell in found]))
        accuracy = mean_interval(np.array([cell.accuracy for cell in found]), ".1%")
        last = f"{np.mean([cell.last for cell in found]):.1%}" if found[0].epochs else ""
        print(f"{name:36}{found[0].epochs or '':>7}{seconds:9.1f}  {accuracy:26}{last}", flush=True)
        return seconds

    def from_scratch(self, model: str, seconds: float) -> None:
        """The row of a training from scratch of as many epochs as fit into these seconds."""
        key = f"{self.title} | two epochs of {model}"
        two = self.kept.cell(key, lambda: scratch(self.images[0], 0, epochs=2, model=model))
        epochs = max(1, round(seconds / (two.seconds / 2)))
        name = f"  from scratch, {model}"
        self.add(name, lambda images, seed: scratch(images, seed, epochs=epochs, model=model), f", {epochs} epochs")


def against_time(kept: Kept, dataset: data.Dataset, weights: str, n: int, epochs: list[int], seeds: int) -> None:
    """A table: what so many seconds give, with `n` images and several numbers of epochs of fine-tuning."""
    start = pretrained.start_from(weights)
    count = n // len(dataset.classes)
    images = [with_images(dataset, dataset.classes, count, seed) for seed in range(seeds)]
    file = start.source.rpartition("/")[2]
    rows = Rows(kept, f"{start.model} of {file}, {n:,} images of {dataset.name}", images)
    untrained = kept.cell(f"{rows.title} | as it is", lambda: as_it_is(start, images[0]))
    print(f"{'as it is':36}{'':7}{0.0:9.1f}  {untrained.accuracy:.2%}")
    rows.add("probed", lambda x, seed: probed(x, seed, weights))
    rows.add("head alone", lambda x, seed: tuned(x, seed, weights, freeze=HEAD))
    rows.add("head alone, images not augmented", lambda x, seed: tuned(x, seed, weights, freeze=HEAD, augment="none"))
    for some in epochs:
        name = f"fine-tuned, {some} epoch{'s' if some > 1 else ''}"
        seconds = rows.add(name, lambda x, seed, some=some: tuned(x, seed, weights, epochs=some))
        rows.from_scratch(start.model, seconds)
        rows.from_scratch("convnet", seconds)


def as_it_is(start: pretrained.Start, images: Arrays) -> Cell:
    """The pretrained network with its own head, whose outputs are the classes in sorted order."""
    seen = pretrained.data_for(start, images)
    accuracy = pretrained.as_trained(start, seen).evaluate(seen, "test").vote_accuracy
    return Cell(accuracy, accuracy, 0.0)
