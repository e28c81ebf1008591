"""What "auto" means: the decisions that a recipe leaves open, made from the data and said aloud."""

import torch

from ravine import data, models, spec
from ravine.recipe import Recipe


def with_held_out(dataset: data.Dataset, recipe: Recipe) -> tuple[data.Dataset, Recipe]:
    """The data set with a validation split, and the recipe with the share that was cut for it.

    Where the share is open it is 5,000 images, but at most a fifth and at least a fiftieth of the training images: an
    accuracy of 90% is then known to within 1 point, and no small data set gives more than it can spare.
    """
    if recipe.val == "auto":
        n = len(dataset.splits.get("train", ()))
        recipe = recipe.changed(val=min(0.2, max(0.02, 5000 / max(n, 1))))
    return data.with_validation(dataset, float(recipe.val), recipe.test, recipe.seed), recipe


def resolve(recipe: Recipe, dataset: data.Dataset, device: torch.device) -> tuple[Recipe, list[str]]:
    """The recipe without any "auto" (but `forward`, which is timed), and a sentence for each decision.

    Args:
        recipe: as asked for, after `with_held_out`.
        dataset: with its validation split.
        device: where it will train.
    """
    train = dataset.splits["train"]
    n, said, decided = len(train), [], {}
    if recipe.model == "auto":
        decided["model"] = str(models.auto(tuple(train.shape)))
        said.append(f"model {decided['model']} ({models.auto_reason(tuple(train.shape))})")
    if recipe.optimizer == "auto":
        decided["optimizer"] = "adam"
    if recipe.lr == "auto":
        rule = spec.parse(decided.get("optimizer", recipe.optimizer), flag="--optimizer")
        decided["lr"] = rule.settings.get("lr", _RATES.get(rule.name, 1e-3))
    if recipe.schedule == "auto":
        decided["schedule"] = "one_cycle"
    if recipe.batch == "auto":
        decided["batch"] = next(batch for below, batch in _BATCHES if n < below)
    if recipe.epochs == "auto":
        decided["epochs"] = next(epochs for below, epochs in _EPOCHS if n < below)
    if recipe.precision == "auto":
        decided["precision"] = "bfloat16" if device.type == "cuda" else "float32"
    recipe = recipe.changed(**decided)
    said.append(
        f"{recipe.optimizer} lr {recipe.lr:g} {recipe.schedule}, {recipe.epochs} epochs of batches of {recipe.batch}"
    )
    return recipe, said


_RATES = {"sgd": 0.1, "momentum": 0.05, "adam": 3e-3}
_BATCHES = [(500, 16), (2_000, 32), (10_000, 64), (40_000, 128), (float("inf"), 256)]
_EPOCHS = [(500, 100), (2_000, 40), (10_000, 30), (40_000, 15), (float("inf"), 10)]
