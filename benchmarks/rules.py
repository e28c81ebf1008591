"""Time of an optimizer step: ours against torch.optim fused and foreach, on the same weights, in turn.

    python benchmarks/rules.py

Large: the 11.7 million weights of a ResNet-18 in 62 tensors, as an ordinary optimizer and as one row of a population.
Small: 16 members of a tiny network, one call for all against sixteen torch optimizers.
"""

import statistics
import time

import torch
from machine import describe, spread
from torch import nn

from ravine.cli.allocator import keep_freed_memory
from ravine.models import resnet
from ravine.optimization import RULES, Stepper

TWINS = {
    "sgd": (torch.optim.SGD, {"lr": 1e-3}),
    "momentum": (torch.optim.SGD, {"lr": 1e-3, "momentum": 0.9}),
    "adagrad": (torch.optim.Adagrad, {}),
    "rmsprop": (torch.optim.RMSprop, {"lr": 1e-3}),
    "adam": (torch.optim.Adam, {}),
    "adamw": (torch.optim.AdamW, {}),
    "adamax": (torch.optim.Adamax, {}),
    "nadam": (torch.optim.NAdam, {}),
}


def tiny() -> nn.Module:
    """6 thousand weights in 6 tensors."""
    return nn.Sequential(nn.Conv2d(1, 8, 3), nn.Conv2d(8, 16, 3), nn.Flatten(), nn.Linear(256, 18))


def with_gradients(model: nn.Module) -> list[nn.Parameter]:
    parameters = list(model.parameters())
    for p in parameters:
        p.grad = torch.randn_like(p)
    return parameters


def theirs(name: str, models: list[nn.Module]) -> dict:
    kind, settings = TWINS[name]
    runs = {}
    for way in ("fused", "foreach"):
        try:
            optimizers = [kind(with_gradients(model), **settings, **{way: True}) for model in models]
        except TypeError:  # this rule has no such way
            continue
        runs[way] = lambda optimizers=optimizers: [optimizer.step() for optimizer in optimizers]
    return runs


def matrix(name: str, rows: int, columns: int):
    settings = {"lr": 1e-3} if name in ("sgd", "momentum", "rmsprop") else {}
    stepper = Stepper(RULES[name], **settings)
    weights, grads = torch.randn(rows, columns), torch.randn(rows, columns)
    return lambda: stepper.step(weights, grads, 1.0)


def table(title: str, cases: dict[str, dict], repetitions: int, inner: int, unit: float, name_of_unit: str) -> None:
    names = list(dict.fromkeys(way for runs in cases.values() for way in runs))
    print(f"\n{title}, {name_of_unit}")
    print(f"{'rule':10}" + "".join(f"{way:26}" for way in names) + "ratio to the better of torch's, median")
    for rule, runs in cases.items():
        seconds: dict[str, list[float]] = {way: [] for way in runs}
        for repetition in range(repetitions + 2):
            for way, run in runs.items():
                started = time.perf_counter()
                for _ in range(inner):
                    run()
                if repetition > 1:  # the first ones make the memory
                    seconds[way].append((time.perf_counter() - started) / inner * unit)
        best = min(set(runs) & {"fused", "foreach"}, key=lambda way: statistics.median(seconds[way]))
        ratios = [
            f"{way} {statistics.median(a / b for a, b in zip(seconds[way], seconds[best], strict=True)):.2f}"
            for way in runs
            if way.startswith("ours")
        ]
        row = "".join(f"{spread(seconds[way], 2) if way in runs else '-':26}" for way in names)
        print(f"{rule:10}{row}{', '.join(ratios)}")


def main(repetitions: int = 15) -> None:
    keep_freed_memory()
    torch.manual_seed(0)
    print(describe(repetitions))
    big = [resnet((3, 224, 224), 1000)]
    columns = sum(p.numel() for p in big[0].parameters())
    large = {}
    for name in TWINS:
        settings = {"lr": 1e-3} if name in ("sgd", "momentum", "rmsprop") else {}
        optimizer = RULES[name](with_gradients(big[0]), **settings)
        large[name] = {
            "ours, optimizer": optimizer.step,
            "ours, one row": matrix(name, 1, columns),
            **theirs(name, big),
        }
    table(f"ResNet-18, {columns:,} weights in 62 tensors", large, repetitions, 1, 1e3, "ms")
    members = [tiny() for _ in range(16)]
    columns = sum(p.numel() for p in members[0].parameters())
    small = {name: {"ours, 16 rows": matrix(name, 16, columns), **theirs(name, members)} for name in TWINS}
    table(f"16 members of {columns:,} weights", small, repetitions, 20, 1e6, "us")


if __name__ == "__main__":
    main()
