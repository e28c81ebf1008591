"""The examples on which an export is checked: those of the validation split, or drawn ones."""

import numpy as np
import torch

from ravine import data, draws
from ravine.prediction import Predictor


def validation_rows(dataset: data.Dataset, n: int) -> tuple[np.ndarray, str]:
    """At most `n` raw rows of the validation split, else test, else train, evenly spaced; and how to say which."""
    split = next(name for name in ("val", "test", "train") if name in dataset.splits)
    part = dataset.splits[split]
    chosen = np.linspace(0, len(part) - 1, min(n, len(part))).astype(np.int64)
    return part.take(chosen), f"{len(chosen):,} of {len(part):,} {split} examples of {dataset.name}"


def random_rows(network: Predictor, n: int) -> tuple[np.ndarray, str]:
    """`n` raw rows drawn with seed 0: every value of a pixel equally likely; floats normal, as the training's own."""
    generator, part = draws.generator(0, 0, "export"), network.parts[0]
    shape = (n, *part.in_shape)
    if part.preprocessing is not None:
        rows = torch.randint(0, 256, shape, generator=generator, dtype=torch.uint8)
        return rows.numpy(), f"{n:,} random images (seed 0)"
    each = (1, -1, *[1] * (len(part.in_shape) - 1))
    mean, std = (torch.tensor(values).view(each) for values in (part.normalize.mean, part.normalize.std))
    return (mean + std * torch.randn(shape, generator=generator)).numpy(), f"{n:,} random examples (seed 0)"
