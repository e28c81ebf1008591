"""A training's networks scored on its data: from the images, or from what frozen blocks give of them."""

import math
from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
import torch

from ravine.runs.cached_features import unchanged
from ravine.runs.vital_signs import vital_signs
from ravine.training.evaluate import Score, evaluate
from ravine.training.feed import clean_batches

if TYPE_CHECKING:
    from ravine.runs.trainer import Training


def score(
    training: "Training",
    split: str,
    rows: np.ndarray | None = None,
    keep: Callable[[torch.Tensor, torch.Tensor], None] | None = None,
) -> Score:
    """Scores the networks as they are, in eval mode, on a split or on some rows of it; `keep` as of `evaluate`."""
    training.population.train(False)
    indices = torch.arange(len(training.labels[split])) if rows is None else torch.from_numpy(rows)
    take, normalize, run = training.takes[split], training.normalize, training.run
    cached = training.tuning.cached if training.tuning else None
    depth = cached.depth(training.done_progress) if cached and cached.has(split) else 0
    if cached and depth:
        take, normalize, run = cached.take(split, depth), unchanged, cached.run(depth)
    batches = clean_batches(take, training.labels[split], indices.to(training.device), normalize)
    return evaluate(run, batches, training.recipe.members, len(training.dataset.classes), training.voters, keep)


def validate(training: "Training", sample: np.ndarray) -> tuple[Score, Score, dict[str, list[float]]]:
    """Scores on validation and on a sample of the training images, without augmentation; keeps what is best.

    The third is what `vital_signs` says of each member.
    """
    training.freeze_overflowed()
    with training.deployed():
        val, clean = score(training, "val"), score(training, "train", sample)
        signs = vital_signs(training, sample)
        scores = list(zip(val.accuracy, val.loss, strict=True))
        for frozen in training.position.frozen:  # an epoch that it did not finish is none of its own
            scores[frozen.member] = (math.nan, math.nan)
        training.best.update(training.population, training.position.epoch + 1, *zip(*scores, strict=True))
    return val, clean, signs
