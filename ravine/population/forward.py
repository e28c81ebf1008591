"""Three ways to run K members on a batch, with the same result (to float tolerance): which is fastest depends.

direct   K = 1: just the module
loop     member by member: large convolutions on a CPU
vmap     all members in one call of each operation (torch.func): small networks, GPUs
"""

import copy
import time
from collections.abc import Callable

import torch
from torch import nn
from torch.func import functional_call, vmap

from ravine.population.weights import Population

Reseed = Callable[[int], None]
Forward = Callable[..., torch.Tensor]
WAYS = ("direct", "loop", "vmap")


def forward(population: Population, way: str) -> Forward:
    """A function `(batch, reseed=None)` to logits `[K, B, classes]`; gradients arrive in `population.grads`.

    The batch is `[K, B, ...]`. `way` is one of `WAYS`; *direct* needs K = 1. `reseed(k)` is called before member k
    runs, so that what the network draws (dropout) is the member's own; under vmap, where all run at once, only
    `reseed(0)` is.
    """
    return {"direct": _direct, "loop": _loop, "vmap": _vmap}[way](population)


def fastest_way(population: Population, batch: torch.Tensor) -> tuple[str, dict[str, float]]:
    """Times a forward and backward pass of each way on `batch` `[K, B, ...]`; weights and statistics stay as they were.

    Returns the fastest and the seconds of each; *direct* without timing where K = 1.
    """
    if len(population.members) == 1:
        return "direct", {}
    kept = {name: tensor.clone() for name, tensor in population.state().items()}
    seconds = {}
    for way in ("loop", "vmap"):
        run = forward(population, way)
        times = []
        for _ in range(3):  # the first one compiles, allocates and warms the caches
            start = time.perf_counter()
            run(batch).sum().backward()
            if batch.is_cuda:
                torch.cuda.synchronize(batch.device)
            times.append(time.perf_counter() - start)
        seconds[way] = min(times[1:])
    population.load(kept)
    population.grads.zero_()
    return min(seconds, key=seconds.__getitem__), seconds


def _direct(population: Population) -> Forward:
    (member,) = population.members

    def run(batch: torch.Tensor, reseed: Reseed | None = None) -> torch.Tensor:
        if reseed:
            reseed(0)
        return member(batch[0]).unsqueeze(0)

    return run


def _loop(population: Population) -> Forward:
    def run(batch: torch.Tensor, reseed: Reseed | None = None) -> torch.Tensor:
        logits = []
        for k, member in enumerate(population.members):
            if reseed:
                reseed(k)
            logits.append(member(batch[k]))
        return torch.stack(logits)

    return run


def _vmap(population: Population) -> Forward:
    # One leaf, the matrix itself: the gradient of `split` is one concatenation, which lands in `population.grads`
    matrix = nn.Parameter(population.weights)
    matrix.grad = population.grads
    widths = [slot.stop - slot.start for slot in population.layout]
    template = copy.deepcopy(population.members[0])

    def one(parameters: dict[str, torch.Tensor], buffers: dict[str, torch.Tensor], x: torch.Tensor) -> torch.Tensor:
        return functional_call(template, (parameters, buffers), (x,))

    together = vmap(one, randomness="different")

    def run(batch: torch.Tensor, reseed: Reseed | None = None) -> torch.Tensor:
        if reseed:
            reseed(0)
        template.train(population.members[0].training)
        columns = zip(population.layout, matrix.split(widths, dim=1), strict=True)
        parameters = {slot.name: column.unflatten(1, slot.shape) for slot, column in columns}
        return together(parameters, population.buffers, batch)

    return run
