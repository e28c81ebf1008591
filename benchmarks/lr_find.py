"""Which point of a range test's curve to take: each candidate as the peak of one_cycle, on the digits.

    python benchmarks/lr_find.py

For each network, rule and seed: one range test (`ravine.lr_find`), then a training of 4 epochs at each candidate's rate
with the same seed, scored on validation. The loss tells the candidates apart where the accuracies no longer do.
"""

import math
import sys
from collections import defaultdict

import torch
from machine import describe

from ravine import data
from ravine.cli.allocator import keep_freed_memory
from ravine.errors import NonFiniteLossError
from ravine.optimization import RangeTest
from ravine.recipe import Recipe
from ravine.runs.defaults import resolve, with_held_out
from ravine.runs.lr_search import lr_find
from ravine.runs.trainer import Training

CASES = [(model, rule) for model in ("mlp", "convnet(width=8)") for rule in ("sgd", "momentum", "adam")]
CPU = torch.device("cpu")


def candidates(test: RangeTest) -> dict[str, float]:
    """The rate that each way of reading the curve gives."""
    mean, rates = test.smoothed, test.rates
    bottom = min(range(len(mean)), key=mean.__getitem__)
    settled = range(min(round(test.memory), bottom - 1), bottom)  # the first means are of few losses
    return {
        "90% (ours)": test.suggestion.lr,
        "70%": test.suggestion.low or test.default,
        "95%": test.suggestion.high or test.default,
        "minimum": rates[bottom],
        "minimum / 10": rates[bottom] / 10,
        "steepest": rates[min(settled, key=lambda i: mean[i + 1] - mean[i])],
        "valley": rates[middle_of_longest_fall(mean)],
        "default": test.default,
    }


def middle_of_longest_fall(mean: tuple[float, ...]) -> int:
    """fastai's "valley": the middle of the longest falling subsequence, by its first and last index."""
    length, before = [1] * len(mean), list(range(len(mean)))
    for i in range(len(mean)):
        for j in range(i):
            if mean[j] > mean[i] and length[j] + 1 > length[i]:
                length[i], before[i] = length[j] + 1, j
    end = start = max(range(len(mean)), key=length.__getitem__)
    while before[start] != start:
        start = before[start]
    return (start + end) // 2


def trained(dataset: data.Dataset, recipe: Recipe) -> tuple[float, float]:
    """Accuracy and loss on validation after training; those of guessing where the loss overflowed."""
    training = Training(recipe.changed(forward="direct"), dataset, CPU)
    try:
        for _ in training.epochs():
            pass
    except NonFiniteLossError:
        return 1 / len(dataset.classes), math.log(len(dataset.classes))
    score = training.score("val")
    return score.vote_accuracy, score.vote_loss


def main(seeds: int = 5) -> None:
    keep_freed_memory()
    print(describe(seeds))
    print(
        "cells: rate, geometric mean over seeds (largest / smallest); validation loss, geometric mean; accuracy, mean"
    )
    overall = defaultdict(list)
    for model, rule in CASES:
        rates, scores = defaultdict(list), defaultdict(list)
        for seed in range(10, 10 + seeds):  # seeds 0 to 5 chose the candidate
            asked = Recipe(model=model, optimizer=rule, schedule="one_cycle", seed=seed, epochs=4, augment="none")
            for name, rate in candidates(lr_find("digits", recipe=asked, device="cpu", quiet=True)).items():
                dataset, recipe = with_held_out(data.load("digits"), asked.changed(lr=rate))
                recipe, _ = resolve(recipe, dataset, CPU)
                rates[name].append(rate)
                scores[name].append(trained(dataset, recipe))
        print(f"\n{model}, {rule}")
        for name in rates:
            accuracy = sum(a for a, _ in scores[name]) / seeds
            loss = geometric_mean([loss for _, loss in scores[name]])
            overall[name] += [loss for _, loss in scores[name]]
            apart = f"({max(rates[name]) / min(rates[name]):.1f})"
            print(f"  {name:20}{geometric_mean(rates[name]):9.4f} {apart:>8}{loss:9.4f}{accuracy:8.1%}")
        sys.stdout.flush()
    print("\nall: validation loss, geometric mean and worst")
    for name, losses in overall.items():
        print(f"  {name:20}{geometric_mean(losses):9.4f}{max(losses):9.4f}")


def geometric_mean(values: list[float]) -> float:
    return math.exp(sum(map(math.log, values)) / len(values))


if __name__ == "__main__":
    main()
