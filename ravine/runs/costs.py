"""What a network costs on this machine: a step and a look at an image, timed for a moment on random inputs."""

import time
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch.nn import functional as F

from ravine import building, draws
from ravine.recipe import Recipe
from ravine.runs.networks import autocast

_TIMED, _SCORED = 128, 128  # images in a step that is timed, at most; in a forward pass, at least


@dataclass(frozen=True)
class Costs:
    """Seconds of a training step of one network, and of a forward pass of one image in eval mode."""

    step: float
    image: float


Measure = Callable[[Recipe], Costs]


def measured(recipe: Recipe, shape: tuple[int, ...], classes: int, device: torch.device, rounds: int = 2) -> Costs:
    """What a step and an image cost here: the least of some rounds after the first, on random inputs.

    On a CPU a large batch costs what its parts do.
    """
    batch = int(recipe.batch) if device.type == "cuda" else min(int(recipe.batch), _TIMED)
    with draws.own_generators():
        network = building.network(recipe.model, shape, classes).to(device)
        x = torch.randn(batch, *shape, device=device)
    if x.dim() == 4:
        x = x.contiguous(memory_format=torch.channels_last)
        network = network.to(memory_format=torch.channels_last)  # pyright: ignore[reportCallIssue]
    y = torch.zeros(len(x), dtype=torch.int64, device=device)

    def step() -> None:
        with autocast(recipe, device):
            loss = F.cross_entropy(network(x).float(), y)
        loss.backward()

    def look() -> None:  # at more images than a small batch has, as scoring does
        with torch.inference_mode(), autocast(recipe, device):
            network(many)

    many = x.repeat(-(-_SCORED // len(x)), *[1] * (x.dim() - 1))
    network.train()
    of_step = _least(step, rounds, device) * int(recipe.batch) / batch
    network.eval()
    return Costs(of_step, _least(look, rounds, device) / len(many))


def _least(work: Callable[[], None], rounds: int, device: torch.device) -> float:
    times = []
    for _ in range(1 + rounds):
        started = time.perf_counter()
        work()
        if device.type == "cuda":
            torch.cuda.synchronize(device)
        times.append(time.perf_counter() - started)
    return min(times[1:])
