"""The networks as they are used: with their averaged weights, where there is an average."""

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager

import torch

from ravine import draws
from ravine.optimization import Average, recompute_statistics
from ravine.population import Population


@contextmanager
def averaged(
    population: Population,
    average: Average | None,
    batches: Callable[[], Iterable[torch.Tensor]],
    seed: int,
    identities: Sequence[int],
    held: Collection[str] = (),
) -> Iterator[None]:
    """Inside the block the weights are the averaged ones, once there are any, and batch norm's statistics are theirs.

    Args:
        population: whose weights; they and the statistics are as before after the block.
        average: of them.
        batches: the training inputs `[K, B, ...]` that the statistics are taken over.
        seed, identities: of what the networks draw meanwhile, and as which member each draws.
        held: names of the modules that stay in eval mode meanwhile, with their statistics: those of frozen blocks.
    """
    if average is None or not average.begun:
        yield
        return
    kept = {name: buffer.clone() for name, buffer in population.buffers.items()}
    with average.applied():
        inputs = list(batches())
        for k, member in enumerate(population.members):
            with draws.seeded(seed, identities[k], "statistics"):
                recompute_statistics(member, [x[k] for x in inputs], held)
        try:
            yield
        finally:
            for name, buffer in population.buffers.items():
                buffer.copy_(kept[name])
