"""Fine-tuning: a training that starts from pretrained weights, with a head for the new classes.

run = ravine.finetune("runs/birds", "photos/")
run.best.predict("new.jpg")
"""

import os
from typing import Any

from ravine.errors import UsageError
from ravine.recipe import Recipe
from ravine.runs.opening import named
from ravine.runs.run import Run
from ravine.runs.running import train


def finetune(
    weights: str | os.PathLike[str] | Run,
    source: Any,
    *,
    recipe: Recipe | None = None,
    **options: Any,
) -> Run:
    """Trains on `source` from pretrained weights; what comes out is a run like any other.

    The head for the new classes is trained alone first, then everything, at rates that fall from block to block down to
    the images; batch norm's statistics of what is frozen stay. `freeze`, `unfreeze_at`, `gradual`, `layer_decay`, `bn`,
    `head` and `keep` are fields of the recipe that say otherwise. The same call again goes on with an interrupted run.

    Args:
        weights: a run, its folder, a weights file (.safetensors, .pth, .pt, .th), "timm:NAME" or "hf-hub:NAME".
        source: the data, as of `ravine.train`.
        recipe, options: as of `ravine.train`; the run's folder is called after the data, with "-finetuned".

    Raises:
        RavineError: weights that cannot be read, or are of another network; and as `ravine.train`.
    """
    asked = recipe or Recipe()
    if asked.pretrained != "none" or "pretrained" in options:
        raise UsageError("are given by their path here", where="--pretrained", expected="ravine finetune WEIGHTS DATA")
    return train(source, recipe=asked.changed(pretrained=named(weights)), **options)
