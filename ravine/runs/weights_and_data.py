"""What every look at a pretrained network begins with: its weights, and a data set as it sees images."""

import os
from typing import Any

from ravine import data
from ravine.errors import UsageError
from ravine.pretrained import Start, start_from
from ravine.recipe import Recipe
from ravine.runs.opening import named, opened
from ravine.training.console import Console


def weights_and_data(
    weights: Any,
    source: Any,
    asked: Recipe,
    member: int,
    cache: str | os.PathLike[str] | None,
    console: Console,
) -> tuple[Start, data.Dataset]:
    """Reads both, and says what was read; the data set is not cut.

    Args:
        weights: a path, timm:NAME, hf-hub:NAME, or a `Run`.
        source: the data.
        asked: its `model` and `normalize` are of the weights, its `size` and `max_bad` of the data.
        member: that will be taken of several networks, from 0.
        cache: where decoded images are kept.
        console: shows progress and warnings.

    Raises:
        UsageError: no such member, or `weights` of another kind. And as `start_from` and `opened`.
    """
    start = start_from(named(weights), model=asked.model, normalize=asked.normalize)
    if isinstance(member, bool) or not isinstance(member, int) or not 0 <= member < len(start.states):
        has = f"0 to {len(start.states) - 1}" if len(start.states) > 1 else "0, for there is one network"
        raise UsageError("no such member", where=f"--member {member}", expected=has)
    for said in start.said:
        console.say(said)
    dataset = opened(source, asked, start, cache=cache, console=console)
    console.close()
    for warning in dataset.findings.warnings:
        console.warn(warning.text)
    return start, dataset
