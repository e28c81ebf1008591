"""K members trained together over K single trainings, one after another: the trainer's own loop, in turn.

    python benchmarks/ensemble.py [cifar10-jpeg.zip]

Times are those of an epoch's steps: data, forward, backward, clipping, rule and counting. Validation has a ratio of its
own. One single training is timed and taken K times, for each of K takes as long. `auto` times the ways at the start, as
in any training; so does each row here, and says which it took.
"""

import statistics
import sys

import torch
from machine import describe, spread
from optimizers_digits import subset

from ravine import data
from ravine.cli.allocator import keep_freed_memory
from ravine.recipe import Recipe
from ravine.runs.defaults import resolve, with_held_out
from ravine.runs.trainer import Training

MEMBERS = (5, 16)
REPETITIONS = 7
CIFAR_IMAGES = 960  # 6 steps; a step takes as long with all of them


class Contender:
    """A training under way, an epoch at a time."""

    def __init__(self, dataset: data.Dataset, recipe: Recipe):
        device = torch.device("cpu")
        dataset, recipe = with_held_out(dataset, recipe.changed(epochs=1000))
        recipe, _ = resolve(recipe, dataset, device)
        self.training = Training(recipe, dataset, device)
        self.epochs = self.training.epochs()
        self.steps: list[float] = []  # milliseconds each
        self.validations: list[float] = []

    def epoch(self) -> None:
        _, times = next(self.epochs)
        self.steps.append(1000 * (times["data"] + times["compute"]) / self.training.feed.steps)
        self.validations.append(1000 * times["validation"])

    def ways(self) -> str:
        timed = " or ".join(f"{way} {1000 * seconds:.1f}" for way, seconds in self.training.timed.items())
        return f"{self.training.recipe.forward} of {timed}"


def main(cifar: str | None) -> None:
    keep_freed_memory()
    digits = data.load("digits")
    cases = [("digits", digits, Recipe(model=model)) for model in ("mlp", "convnet(width=8)", "convnet")]
    if cifar:
        images = subset(data.load(cifar), CIFAR_IMAGES)
        cases += [("CIFAR-10", images, Recipe(model=f"convnet(width={width})", batch=128)) for width in (16, 32)]
    print(f"{describe(REPETITIONS)} epochs\n")
    columns = ["data, network", "K", "ms a step", "steps/s", "over one", "over K singles", "--shared", "validation"]
    print(f"| {' | '.join(columns)} | way of (ms) |\n|{'---|' * (len(columns) + 1)}", flush=True)
    for case in cases:
        measure(*case)


def measure(name: str, dataset: data.Dataset, recipe: Recipe) -> None:
    one = Contender(dataset, recipe)
    together = {k: Contender(dataset, recipe.changed(members=k)) for k in MEMBERS}
    shared = {k: Contender(dataset, recipe.changed(members=k, shared=True)) for k in MEMBERS}
    contenders = [one, *together.values(), *shared.values()]
    for repetition in range(REPETITIONS + 1):
        for contender in contenders if repetition % 2 else reversed(contenders):
            contender.epoch()
    network = f"{name}, {recipe.model}, batch {one.training.recipe.batch}"
    print(_row(network, 1, one, one, one))
    for k in MEMBERS:
        print(_row(network, k, together[k], one, shared[k]), flush=True)


def _row(network: str, k: int, together: Contender, one: Contender, shared: Contender) -> str:
    over_one = _ratio(together.steps, one.steps)
    validation = _ratio(together.validations, one.validations)
    ratios = [over_one, over_one / k, _ratio(shared.steps, one.steps) / k, validation / k]
    times = together.steps[1:]  # the first is a warm-up
    cells = [spread(times, 2), f"{1000 / statistics.median(times):.1f}", *(f"{ratio:.2f}" for ratio in ratios)]
    return f"| {network} | {k} | {' | '.join(cells)} | {together.ways() if k > 1 else 'direct'} |"


def _ratio(times: list[float], others: list[float]) -> float:
    """Median over pairs that were measured one after the other."""
    return statistics.median(a / b for a, b in zip(times[1:], others[1:], strict=True))


if __name__ == "__main__":
    main(*sys.argv[1:2] or [None])
