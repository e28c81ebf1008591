"""Four ways to run K members on a batch, with the same result (to float tolerance): which is fastest depends.

direct   K = 1: just the module
loop     member by member, bit for bit as alone: large convolutions on a CPU
wide     all members as one network K times as wide, see `wide`: small networks, GPUs
vmap     all members in one call of each operation (torch.func): as wide, slower, but of any network
"""

import copy
import time
from collections.abc import Callable

import torch
from torch import nn
from torch.func import functional_call, vmap

from ravine.errors import UsageError
from ravine.population.weights import Population
from ravine.population.wide import widened

Reseed = Callable[[int], None]
Forward = Callable[..., torch.Tensor]
WAYS = ("direct", "loop", "wide", "vmap")

# How the ways are timed: so many rounds after the first, fewer (but two) where they take longer than so many seconds
_ROUNDS, _SECONDS = 8, 1.0
# Another way has to take less than this share of the loop's time: chance should not cost the loop's equality to the bit
_CLEARLY = 0.95


def forward(population: Population, way: str) -> Forward:
    """A function `(batch, reseed=None)` to logits `[K, B, classes]`; gradients arrive in `population.grads`.

    The batch is `[K, B, ...]`. `way` is one of `WAYS`; *direct* needs K = 1. `reseed(k)` is called before member k
    runs, so that what the network draws (dropout) is the member's own; where all run at once (wide, vmap) only
    `reseed(0)` is, and each member draws numbers of its own, equal in law.

    Raises:
        UsageError: *wide*, and a layer that it does not know.
    """
    return {"direct": _direct, "loop": _loop, "wide": _wide, "vmap": _vmap}[way](population)


def fastest_way(population: Population, batch: torch.Tensor) -> tuple[str, dict[str, float]]:
    """Times a forward and backward pass by loop and by wide on `batch` `[K, B, ...]`, in turn.

    Vmap takes the place of wide where a layer is unknown to that, or where wide gives other answers or gradients than
    the loop. Weights, statistics and mode stay as they were; gradients become 0.

    Returns the fastest and the least seconds of each; the loop where the other is less than 5% faster; *direct* without
    timing where K = 1.
    """
    if len(population.members) == 1:
        return "direct", {}
    kept = {name: tensor.clone() for name, tensor in population.state().items()}
    mode = population.members[0].training
    runs = {"loop": _loop(population)}
    runs |= _wide_if_equal(population, batch) or {"vmap": _vmap(population)}
    population.train()
    times, started = {way: [] for way in runs}, time.perf_counter()
    for done in range(_ROUNDS + 1):
        for way, run in runs.items():
            times[way].append(_seconds(run, batch))
        if done >= 2 and time.perf_counter() - started > _SECONDS:
            break
    population.load(kept)
    population.grads.zero_()
    population.train(mode)
    seconds = {way: min(taken[1:]) for way, taken in times.items()}  # the first allocates and warms the caches
    fastest = min(seconds, key=seconds.__getitem__)
    return fastest if seconds[fastest] < _CLEARLY * seconds["loop"] else "loop", seconds


def _seconds(run: Forward, batch: torch.Tensor) -> float:
    started = time.perf_counter()
    run(batch).sum().backward()
    if batch.is_cuda:
        torch.cuda.synchronize(batch.device)
    return time.perf_counter() - started


def _wide_if_equal(population: Population, batch: torch.Tensor) -> dict[str, Forward]:
    """The way wide, unless it refuses, or differs from the loop in evaluation, where nothing is drawn."""
    try:
        runs = {"loop": _loop(population), "wide": _wide(population)}
    except UsageError:
        return {}
    population.train(False)
    found = []
    for run in runs.values():
        population.grads.zero_()
        with torch.autocast(batch.device.type, enabled=False):  # bfloat16 differs by itself
            logits = run(batch)
        # the gradient sees what a head that starts at 0 hides
        (logits * torch.linspace(1, 2, logits.shape[2], device=logits.device)).sum().backward()
        found.append(torch.cat([logits.detach().flatten(1), population.grads], dim=1))
    difference, size = (found[0] - found[1]).norm(dim=1), found[0].norm(dim=1)
    return {"wide": runs["wide"]} if (difference <= 1e-2 * size).all() else {}


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


def _wide(population: Population) -> Forward:
    network, members = widened(population), len(population.members)

    def run(batch: torch.Tensor, reseed: Reseed | None = None) -> torch.Tensor:
        if reseed:
            reseed(0)
        if network.training != population.members[0].training:
            network.train(not network.training)
        logits = network(batch.transpose(0, 1).flatten(1, 2))
        return logits.unflatten(1, (members, -1)).transpose(0, 1)

    return run


def _vmap(population: Population) -> Forward:
    # One leaf, the matrix itself: the gradient of `split` is one concatenation, which lands in `population.grads`
    matrix = nn.Parameter(_in_one_piece(population.weights))
    matrix.grad = _in_one_piece(population.grads)
    widths = [slot.stop - slot.start for slot in population.layout]
    widths.append(matrix.shape[1] - sum(widths))  # what lies between the rows
    template = copy.deepcopy(population.members[0])

    def one(parameters: dict[str, torch.Tensor], buffers: dict[str, torch.Tensor], x: torch.Tensor) -> torch.Tensor:
        return functional_call(template, (parameters, buffers), (x,))

    together = vmap(one, randomness="different")

    def run(batch: torch.Tensor, reseed: Reseed | None = None) -> torch.Tensor:
        if reseed:
            reseed(0)
        template.train(population.members[0].training)
        columns = zip(population.layout, matrix.split(widths, dim=1), strict=False)
        parameters = {slot.name: column.unflatten(1, slot.shape) for slot, column in columns}
        return together(parameters, population.buffers, batch)

    return run


def _in_one_piece(matrix: torch.Tensor) -> torch.Tensor:
    """The same memory with what lies between the rows, `[K, stride]`: autograd adds to what is dense without a copy."""
    return matrix.as_strided((len(matrix), matrix.stride(0)), matrix.stride())
