"""How a trained network looks at images: once, or several times with the answers averaged (test-time augmentation)."""

import math
from collections.abc import Callable, Sequence
from typing import Any

import torch

from ravine import augmentation
from ravine.errors import UsageError
from ravine.population import Forward
from ravine.recipe import Recipe
from ravine.training.feed import Normalization

View = Callable[[torch.Tensor], torch.Tensor]


def views_for(about: dict[str, Any], tta: str | int, name: str) -> list[View]:
    """The views that `tta` names, of a network whose weights file says `about` of itself. Raises UsageError."""
    in_shape = tuple(about["in_shape"])
    if tta != "none" and len(in_shape) != 3:
        raise UsageError("there are no views of what is no image", where=f"--tta {tta}", expected="none")

    def training() -> tuple[augmentation.Pipeline, int]:
        recipe = Recipe.from_toml(about.get("recipe", ""), name)
        # "auto" stands only where no training has decided what it means
        text = "none" if recipe.augment == "auto" else recipe.augment
        parts = augmentation.parse(text, in_shape)
        return augmentation.Pipeline(parts, classes=len(about["classes"])), recipe.seed

    return augmentation.views(tta, training)


def looking(
    run: Forward, normalize: Normalization, views: Sequence[View], members: int
) -> Callable[[torch.Tensor], torch.Tensor]:
    """A function from raw rows `[B, ...]` to logits `[K, B, classes]`; of several views, the logarithm of the mean.

    log p = log(mean over the views of softmax(logits)), whose softmax is p.
    """

    def look(rows: torch.Tensor) -> torch.Tensor:
        seen = (normalize(view(rows)) for view in views)
        logits = [run(x.unsqueeze(0).expand(members, *x.shape)).float() for x in seen]
        if len(logits) == 1:
            return logits[0]
        return torch.stack([one.log_softmax(2) for one in logits]).logsumexp(0) - math.log(len(logits))

    return look
