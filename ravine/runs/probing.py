"""What frozen features know of your classes: a linear probe and k nearest neighbours, block by block.

Three sets of images that do not meet: those that are fitted on, those that choose (the strength of the probe's penalty,
and k), and those that judge. Nothing is chosen on the images that judge.
"""

import os
import time
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import torch

from ravine.devices import device_named
from ravine.recipe import Recipe
from ravine.runs.backbone import Backbone, Tick, backbone
from ravine.runs.probe_parts import ProbeParts, probe_parts
from ravine.runs.probe_result import BlockProbe, Probe, Share
from ravine.runs.weights_and_data import weights_and_data
from ravine.training.console import Console
from ravine.transfer import linear_probe, nearest_neighbours

MOST_BYTES = 1 << 30  # of features that are held at a time; more blocks take more passes


def probe(
    weights: Any,
    source: Any,
    *,
    block: str = "auto",
    member: int = 0,
    model: str = "auto",
    normalize: str = "auto",
    size: int | str = "auto",
    seed: int = 0,
    max_bad: float = 0.01,
    device: str = "auto",
    cache: str | os.PathLike[str] | None = None,
    quiet: bool = False,
) -> Probe:
    """A linear probe and k-NN on the features of a block, or of "all" blocks, of a pretrained network.

    Judged on the test split, else on validation, which is cut off as in a training; on the data that the weights were
    trained on, as in that very training. What the penalty and k are chosen by is never what judges: validation where
    there is a test split, else a fifth of the training images.

    Args:
        weights, source, member, model, normalize, size, max_bad, device, cache, quiet: as of `ravine.features`.
        block: a block's name or number from 1; "auto" is what the head is given.
        seed: of the images that are set aside.

    Raises:
        RavineError: as `ravine.features`, or too few images.
    """
    started = time.perf_counter()
    asked = Recipe(model=model, normalize=normalize, size=size, max_bad=max_bad, seed=seed)  # pyright: ignore[reportArgumentType]
    console, on = Console(quiet=quiet), device_named(device)
    start, dataset = weights_and_data(weights, source, asked, member, cache, console)
    parts = probe_parts(dataset, asked, start, member)
    network = backbone(start, parts.fit, member, on)
    depths = range(1, len(network.names) + 1) if block == "all" else [network.depth(block)]
    found = list(_each(network, parts, depths, len(dataset.classes), console))
    most = np.bincount(parts.fit.y, minlength=len(dataset.classes)).argmax()
    return Probe(
        weights=start.source,
        data=dataset.name,
        blocks=tuple(found),
        majority=Share.of(torch.from_numpy(parts.judge.y == most)),
        judged_on=parts.judged_on,
        n=len(parts.judge),
        fitted=len(parts.fit),
        choosing=len(parts.choose),
        notes=(*parts.notes, *_notes(found, member, len(start.states))),
        seconds=time.perf_counter() - started,
    )


def _each(
    network: Backbone, parts: ProbeParts, depths: Sequence[int], classes: int, console: Console
) -> Iterator[BlockProbe]:
    """Probes one block after another; of several each is said as soon as it is known."""
    for depth, features in _features(network, parts, depths, console.passing):
        console.close()
        one = _probed(network.names[depth - 1], depth, features, parts, classes)
        if len(depths) > 1:
            console.say(f"{one.block}: linear probe {one.linear}, k-NN {one.neighbours}, {one.seconds:.1f} s")
        yield one


def _notes(found: Sequence[BlockProbe], member: int, members: int) -> Iterator[str]:
    if members > 1:
        yield f"member {member} of {members} was probed; --member takes another"
    short = [one.block for one in found if not one.converged]
    if short:
        yield f"the fit of {', '.join(short)} did not reach its minimum, so that a better probe may exist"


def _features(
    network: Backbone, parts: ProbeParts, depths: Sequence[int], tick: Tick
) -> Iterator[tuple[int, list[torch.Tensor]]]:
    """Each depth with its features of the three parts; as many depths in one pass as memory allows."""
    widths, images = network.widths(parts.fit), sum(map(len, parts.three))
    waiting = list(depths)
    while waiting:
        held = np.cumsum([4 * images * widths[depth - 1] for depth in waiting])
        together = max(1, int((held <= MOST_BYTES).sum()))
        now, waiting = waiting[:together], waiting[together:]
        of_parts = [network.features(part, now, tick) for part in parts.three]
        for depth, features in zip(now, zip(*of_parts, strict=True), strict=True):
            yield depth, list(features)


def _probed(block: str, depth: int, features: Sequence[torch.Tensor], parts: ProbeParts, classes: int) -> BlockProbe:
    started = time.perf_counter()
    x, x_choose, x_judge = features
    y, y_choose, y_judge = (torch.from_numpy(part.y) for part in parts.three)
    linear = linear_probe(x, y, x_choose, y_choose, classes)
    neighbours = nearest_neighbours(x, y, x_choose, y_choose, classes)
    return BlockProbe(
        block=block,
        depth=depth,
        width=x.shape[1],
        linear=Share.of(linear.predict(x_judge) == y_judge),
        neighbours=Share.of(neighbours.predict(x_judge) == y_judge),
        l2=linear.chosen.l2,
        k=neighbours.k,
        converged=linear.chosen.converged,
        seconds=time.perf_counter() - started,
    )
