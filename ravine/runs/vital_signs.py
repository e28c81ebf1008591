"""What is measured of the networks after each epoch, for the traps: from their weights alone, on clean images."""

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import nn

from ravine.runs.networks import autocast
from ravine.transfer import tail
from ravine.traps import dead_units, gradient_flow

if TYPE_CHECKING:
    from ravine.runs.trainer import Training

_FORWARD = 128  # images on which a unit has to be constant to count as dead
_BACKWARD = 16  # images whose gradient is followed; more of them would only cost memory


def vital_signs(training: "Training", sample: np.ndarray) -> dict[str, list[float]]:
    """`dead_units` and `gradient_flow` of each member, in eval mode; what can be said of none is left out.

    Frozen blocks of a fine-tuning do not count: they are what they were given as, and no gradient is meant to reach
    them.

    Args:
        training: its population is in eval mode, and stays as it is.
        sample: rows of "train" to take the images from.
    """
    rows = torch.from_numpy(sample[np.linspace(0, len(sample) - 1, min(len(sample), _FORWARD)).astype(np.int64)])
    rows = rows.to(training.device)
    networks, x = _where_trained(training, rows)
    y = training.labels["train"][rows]
    few = slice(None, None, math.ceil(len(rows) / min(_BACKWARD, int(training.recipe.batch))))
    skip, signs = _frozen(training), {"dead_units": [], "gradient_flow": []}
    with autocast(training.recipe, training.device):
        for network in networks:
            signs["dead_units"].append(dead_units(network, x, skip))
            signs["gradient_flow"].append(gradient_flow(network, x[few], y[few], skip))
    return {name: values for name, values in signs.items() if not all(map(math.isnan, values))}


def _where_trained(training: "Training", rows: torch.Tensor) -> tuple[Sequence[nn.Module], torch.Tensor]:
    """The members and images `[B, ...]`; where the first blocks' features are kept, what comes after and these."""
    members, depth = training.population.members, _kept_depth(training)
    if training.tuning and training.tuning.cached and depth:
        return [tail(member, depth) for member in members], training.tuning.cached.take("train", depth)(rows)
    return members, training.normalize(training.takes["train"](rows))


def _frozen(training: "Training") -> list[str]:
    """The modules, by name, of the blocks that the last step did not train, among those that are run."""
    if training.tuning is None:
        return []
    plan, progress, first = training.tuning.plan, training.done_progress, _kept_depth(training)
    frozen = [block for i, block in enumerate(training.tuning.row) if i >= first and not plan.trained(i, progress)]
    return [name for block in frozen for name in block.modules]


def _kept_depth(training: "Training") -> int:
    """After how many blocks features are kept, as of the last step; 0 for none."""
    cached = training.tuning.cached if training.tuning else None
    return cached.depth(training.done_progress) if cached else 0
