"""Each rule at its tuned rate: accuracy, and steps to a validation accuracy, on the digits and a subset of CIFAR-10.

    python benchmarks/optimizers_digits.py [cifar10-jpeg.zip]

The rates of a grid are tried side by side, as members of one population with a column of rates, and chosen on
validation; then five other seeds train at the chosen rate and are scored on test images that nothing was chosen on.
"""

import math
import sys
import time

import numpy as np
import torch
from machine import describe
from scipy import stats

from ravine import data
from ravine.cli.allocator import keep_freed_memory
from ravine.errors import NonFiniteLossError
from ravine.optimization import RULES
from ravine.recipe import Recipe
from ravine.runs.defaults import resolve, with_held_out
from ravine.runs.trainer import Training

SEEDS = 5
# Around what each rule's authors recommend, a factor of about 3 apart
GRIDS = {
    "sgd": [0.03, 0.1, 0.3, 1.0],
    "momentum": [0.01, 0.03, 0.1, 0.3],
    "adagrad": [0.01, 0.03, 0.1, 0.3],
    "rmsprop": [3e-4, 1e-3, 3e-3, 1e-2],
    "adam": [1e-3, 3e-3, 1e-2, 3e-2, 1e-1],
    "adamw": [1e-3, 3e-3, 1e-2, 3e-2],
    "adamax": [3e-3, 1e-2, 3e-2, 1e-1],
    "nadam": [1e-3, 3e-3, 1e-2, 3e-2],
    "lion": [1e-4, 3e-4, 1e-3, 3e-3],
    "muon": [3e-3, 1e-2, 3e-2, 1e-1, 3e-1],
}


def trained(recipe: Recipe, dataset: data.Dataset, rates: list[float]) -> Training:
    """A finished training of one member a rate."""
    recipe, _ = resolve(recipe.changed(members=len(rates), lr=1.0), dataset, torch.device("cpu"))
    training = Training(recipe, dataset, torch.device("cpu"))
    training.stepper.group["lr"] = torch.tensor(rates, dtype=torch.float64)[:, None]
    for _ in training.epochs():
        pass
    return training


def tuned(recipe: Recipe, dataset: data.Dataset, grid: list[float]) -> float:
    """The rate with the best last validation accuracy (by loss where equal); rates that diverge are dropped."""
    while len(grid) > 1:
        try:
            row = trained(recipe, dataset, grid).rows[-1]
        except NonFiniteLossError:
            grid = grid[:-1]
            continue
        scores = [(_of(row, k, len(grid), "accuracy"), -_of(row, k, len(grid), "loss")) for k in range(len(grid))]
        return grid[scores.index(max(scores))]
    return grid[0]


def _of(row: dict, k: int, members: int, what: str) -> float:
    return row[f"member{k:02d}/val/{what}" if members > 1 else f"val/{what}"]


def interval(values: list[float]) -> str:
    """Mean and 95% interval over seeds (Student's t)."""
    half = stats.t.ppf(0.975, len(values) - 1) * np.std(values, ddof=1) / math.sqrt(len(values))
    return f"{np.mean(values):.1%} ({np.mean(values) - half:.1%} to {np.mean(values) + half:.1%})"


def steps_to(training: Training, target: float) -> str:
    """Steps after which each seed's validation accuracy first was `target`, looked at after each epoch."""
    reached = []
    for k in range(SEEDS):
        epochs = [row["epoch"] for row in training.rows if _of(row, k, SEEDS, "accuracy") >= target]
        reached.append(epochs[0] * training.feed.steps if epochs else math.inf)
    shown = [f"{n:,.0f}" if n < math.inf else "never" for n in sorted(reached)]
    return f"{shown[SEEDS // 2]} ({shown[0]} to {shown[-1]})"


def table(title: str, dataset: data.Dataset, recipe: Recipe, target: float, tuning: Recipe, grid: slice) -> None:
    dataset, recipe = with_held_out(dataset, recipe)
    sizes = ", ".join(f"{len(split):,} {name}" for name, split in dataset.splits.items())
    print(f"\n{title}: {recipe.model}, {recipe.epochs} epochs, {recipe.schedule}; {sizes} images; {SEEDS} seeds")
    print(f"{'rule':10}{'rate':>8}  {'test accuracy, last epoch':28}{f'steps to {target:.0%} val':28}seconds")
    for name in RULES:
        started = time.perf_counter()
        chosen = tuned(tuning.changed(val=recipe.val, optimizer=name), dataset, GRIDS[name][grid])
        training = trained(recipe.changed(optimizer=name, seed=1), dataset, [chosen] * SEEDS)
        accuracies = list(training.score("test").accuracy)
        seconds = time.perf_counter() - started
        row = f"{name:10}{chosen:8g}  {interval(accuracies):28}{steps_to(training, target):28}{seconds:.0f}"
        print(row, flush=True)


def subset(dataset: data.Dataset, n: int) -> data.Dataset:
    """The data set with only the first `n` training images of a seeded order."""
    x, y = dataset.splits["train"], dataset.splits["train"].y
    rows = np.sort(np.random.default_rng(0).permutation(len(y))[:n])
    test = dataset.splits["test"]
    arrays = {"x": x.take(rows), "y": y[rows], "classes": np.array(dataset.classes)}
    everything = np.arange(len(test))
    return data.load({**arrays, "x_test": test.take(everything), "y_test": test.y[everything]})


def main() -> None:
    keep_freed_memory()
    print(describe(SEEDS))
    digits = Recipe(model="convnet(width=8)", epochs=15, batch=32, test=0.2, schedule="one_cycle(warmup=0.2)")
    table("digits", data.load("digits"), digits, 0.95, digits, slice(None))
    if len(sys.argv) > 1:
        cifar = digits.changed(model="convnet(width=16)", epochs=10, batch=64, test=0.0, augment="none", forward="loop")
        # half as long, and without the lowest rates, to choose by
        table("CIFAR-10", subset(data.load(sys.argv[1]), 20_000), cifar, 0.70, cifar.changed(epochs=4), slice(1, 4))


if __name__ == "__main__":
    main()
