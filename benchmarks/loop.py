"""Images/s of ravine's `fit` over a bare PyTorch loop: same network, batch, rule and data in memory, in turn.

    python benchmarks/loop.py

The bare loop is a strong one: normalised float tensors in memory, channels-last input, foreach Adam, no metrics, no
clipping, no check for NaN. Ours starts from uint8, normalises, seeds every step, counts, and looks for NaN.
"""

import statistics
import time

import torch
from machine import describe, spread
from torch import nn
from torch.nn import functional as F

from ravine import data
from ravine.cli.allocator import keep_freed_memory
from ravine.models import convnet
from ravine.optimization import Adam, Stepper, clip_by_norm, constant
from ravine.population import Population, forward
from ravine.training.criterion import cross_entropy
from ravine.training.feed import Normalization, TrainingFeed
from ravine.training.fit import Position, fit
from ravine.training.pace import Pace


def ours(make, x, y, batch):
    population = Population(lambda k: make())
    n = len(y)
    feed = TrainingFeed(
        take=lambda rows: x.index_select(0, rows),
        labels=y,
        order=lambda member, epoch: torch.as_tensor(data.order(n, 0, member, epoch)),
        bounds=data.steps(n, batch),
        members=1,
        normalize=Normalization((127.5,) * x.shape[1], (64.0,) * x.shape[1]),
    )
    yield from fit(
        population,
        forward(population, "direct"),
        feed,
        criterion=cross_entropy(),
        update=Stepper(Adam).step,
        clip=lambda grads: clip_by_norm(grads, float("inf")),
        schedule=constant(),
        pace=Pace([(0, 10**9)]),
        validate=lambda: None,
        position=Position(torch.zeros(3, 1, dtype=torch.float64)),
    )


def bare(make, x, y, batch):
    model = make()
    optimizer = torch.optim.Adam(model.parameters())
    x = ((x.float() - 127.5) / 64).contiguous(memory_format=torch.channels_last)
    while True:
        order = torch.randperm(len(y))
        for rows in order.split(batch):
            loss = F.cross_entropy(model(x[rows]), y[rows])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        yield


def tiny():
    """0.1 MMAC: where overhead shows."""
    return nn.Sequential(
        nn.Conv2d(1, 16, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(16, 32, 3, padding=1), nn.ReLU(),
        nn.Flatten(), nn.Linear(32 * 16, 10),
    )  # fmt: skip


CASES = [
    ("convnet(width=32), 32x32, batch 256", lambda: convnet((3, 32, 32), 10, width=32), (3, 32, 32), 256, 2048),
    ("tiny CNN (6 k weights), 8x8, batch 256", tiny, (1, 8, 8), 256, 25_600),
    ("tiny CNN (6 k weights), 8x8, batch 64", tiny, (1, 8, 8), 64, 6400),
]


def main(repetitions: int = 9) -> None:
    keep_freed_memory()
    print(describe(repetitions))
    print(f"{'case':40} {'ours, images/s':34} {'bare loop, images/s':34} ratio, median")
    for name, make, shape, batch, n in CASES:
        torch.manual_seed(0)
        x, y = torch.randint(0, 256, (n, *shape), dtype=torch.uint8), torch.randint(0, 10, (n,))
        loops = ours(make, x, y, batch), bare(make, x, y, batch)
        rates: list[list[float]] = [[], []]
        for repetition in range(repetitions + 1):
            for i in (0, 1) if repetition % 2 else (1, 0):
                started = time.perf_counter()
                next(loops[i])
                if repetition:  # the first is a warm-up
                    rates[i].append(n / (time.perf_counter() - started))
        ratio = statistics.median(a / b for a, b in zip(*rates, strict=True))
        print(f"{name:40} {spread(rates[0], 0):34} {spread(rates[1], 0):34} {ratio:.3f}")


if __name__ == "__main__":
    main()
