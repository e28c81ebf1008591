"""What "auto" means: the decisions that a recipe leaves open, made from the data and said aloud."""

from typing import Any

import torch

from ravine import augmentation, data, models, spec
from ravine.errors import UsageError
from ravine.optimization import RULES
from ravine.pretrained import Start, order_said
from ravine.recipe import Recipe
from ravine.runs import budget, descent, folding, snapshots, sweeping, teaching
from ravine.runs.beginning import block_names, settled_head
from ravine.runs.feeding import refuse_too_little
from ravine.training.pace import Pace
from ravine.transfer import chosen


def with_held_out(dataset: data.Dataset, recipe: Recipe) -> tuple[data.Dataset, Recipe]:
    """The data set with a validation split, and the recipe with the share that was cut for it.

    Where the share is open it is 5,000 images, but at most a fifth and at least a fiftieth of the training images: an
    accuracy of 90% is then known to within 1 point, and no small data set gives more than it can spare. Where test
    images judge and time is short they only choose the best epoch: half as many do, which leaves more to learn from.
    """
    if recipe.folds:
        return folding.held_out(dataset, recipe), recipe.changed(val=1 / recipe.folds)
    if recipe.val == "auto":
        n = len(dataset.splits.get("train", ()))
        judged = "test" in dataset.splits or recipe.test > 0
        wanted = 2500 if judged and n and budget.budget_of(recipe, dataset) is not None else 5000
        recipe = recipe.changed(val=min(0.2, max(0.02, wanted / max(n, 1))))
    return data.with_validation(dataset, float(recipe.val), recipe.test, recipe.seed), recipe


def resolve(
    recipe: Recipe, dataset: data.Dataset, device: torch.device, start: Start | None = None
) -> tuple[Recipe, list[str]]:
    """The recipe without any "auto" (but `forward`, which is timed), and a sentence for each decision.

    Args:
        recipe: as asked for, after `with_held_out`.
        dataset: with its validation split.
        device: where it will train.
        start: the pretrained weights that it names.

    Raises:
        UsageError: a setting that cannot be. DataError: too little data.
    """
    refuse_too_little(dataset)
    train = dataset.splits["train"]
    n, shape, said, decided = len(train), tuple(train.shape), [], {}
    if start:
        decided, told = _from_pretrained(recipe, start, dataset)
        said += told
    else:
        decided |= {"unfreeze_at": 0.0, "layer_decay": 1.0, "head": "mlp" if recipe.head == "mlp" else "linear"}
        decided |= {"bn": "train", "normalize": "data" if recipe.normalize == "auto" else recipe.normalize}
    if not start and recipe.model == "auto":
        decided["model"] = str(models.auto(shape))
        said.append(f"model {decided['model']} ({models.auto_reason(shape)})")
    decided["augment"], why = augmentation_for(recipe.augment, shape)
    if why:
        said.append(f"augment {decided['augment']} ({why})")
    if recipe.threads == "auto":
        decided["threads"] = torch.get_num_threads()
    if recipe.budget == "auto":
        decided["budget"] = "none"  # a clock decides before this, or not at all
    if recipe.regularize == "auto":
        decided["regularize"] = "none"
    if recipe.focus == "auto":
        decided["focus"] = "none"
    decided["teacher"] = teaching.pinned(recipe)
    if recipe.optimizer == "auto":
        decided["optimizer"] = "adam"
    decided["lr"] = _rate(recipe.changed(**decided), shape)
    if recipe.schedule == "auto":
        decided["schedule"] = snapshots.schedule(recipe) if recipe.snapshots else "one_cycle(warmup=0.2)"
    if recipe.batch == "auto":
        decided["batch"] = next(batch for below, batch, _ in _BY_SIZE if n < below)
    if recipe.plan:
        decided["epochs"] = _epochs_of_plan(recipe, len(data.steps(n, int(decided.get("batch", recipe.batch)))))
    elif recipe.epochs == "auto":
        decided["epochs"] = next(epochs for below, _, epochs in _BY_SIZE if n < below)
    if recipe.precision == "auto":
        decided["precision"] = "bfloat16" if device.type == "cuda" else "float32"
    recipe = recipe.changed(**decided)
    epochs, batch = int(recipe.epochs), int(recipe.batch)
    length = f"{epochs} epoch{'s' if epochs > 1 else ''} of batches of {batch}"
    rate = "swept" if "lr" in sweeping.columns(recipe) else f"{recipe.lr:g}"
    said.append(f"{recipe.optimizer} lr {rate} {recipe.schedule}, {length}")
    said.append(descent.rates(recipe, epochs * len(data.steps(n, batch))))
    if recipe.snapshots:
        said.append(snapshots.planned(recipe, len(data.steps(n, batch))))
    return recipe, said


def _epochs_of_plan(recipe: Recipe, steps: int) -> int:
    """The epochs, of so many steps, of a recipe's plan. Raises UsageError where it was made for others."""
    total = Pace.parse(recipe.plan, "--plan").total
    epochs = -(-total // steps)
    if recipe.epochs not in ("auto", epochs):
        what = f"its {total:,} steps are {epochs} epochs of this data in batches of {recipe.batch}, not {recipe.epochs}"
        raise UsageError(what, where="--plan", cure="Give the data and batch of the plan, or --plan '' --budget none")
    return epochs


def _from_pretrained(recipe: Recipe, start: Start, dataset: data.Dataset) -> tuple[dict[str, Any], list[str]]:
    """What is decided where a training starts from pretrained weights, and a sentence for each decision."""
    shape = tuple(dataset.splits["train"].shape)
    names = block_names(start.model, shape)
    *_, taken = chosen(names, recipe.keep, "--keep")
    head, why = settled_head(recipe, start, dataset.classes, taken)
    if head == "keep" and start.classes is None:
        why += f"; {order_said(dataset)}"
    decided: dict[str, Any] = {"model": start.model, "head": head}
    frozen = any(chosen(names, recipe.freeze, "--freeze"))
    if recipe.unfreeze_at == "auto":
        alone = not frozen and head != "keep"  # a head that knows its classes spoils nothing below it
        decided["unfreeze_at"] = _HEAD_ALONE if alone else 0.0
    if recipe.layer_decay == "auto":
        decided["layer_decay"] = _LAYER_DECAY
    if recipe.forward == "auto":
        decided["forward"] = "direct" if recipe.members == 1 else "loop"  # what is frozen is run member by member
    said = [*start.said, f"model {start.model}; {why}"]
    if not any(chosen(names, recipe.keep, "--keep")):
        said.append(f"none of its weights are taken (--keep {recipe.keep!r}): a training from scratch, at its rate")
    moves = _moves_what_is_known(recipe.changed(**decided), shape)
    if recipe.gradual and not moves:
        said.append("--gradual changes nothing: no pretrained block is left to unfreeze")
    if frozen and moves and head != "keep" and recipe.unfreeze_at == "auto" and not recipe.gradual:
        instead = f"--unfreeze-at {_HEAD_ALONE} trains the head alone first"
        said.append(f"what is not frozen is trained from the start; {instead}")
    return decided, said


def _rate(recipe: Recipe, in_shape: tuple[int, ...]) -> float:
    """The rate of --lr, else the one in --optimizer's brackets, else what was measured for rule, network and start."""
    rule = spec.parse(recipe.optimizer, flag="--optimizer")
    _, settings = spec.bind(rule, RULES, flag="--optimizer", given={"params": None})
    if "lr" in settings and recipe.lr not in ("auto", settings["lr"]):
        raise UsageError(f"{recipe.optimizer} and --lr {recipe.lr}", where="--lr", expected="one rate, given once")
    if "lr" in settings:
        recipe = recipe.changed(lr=settings["lr"])  # refuses what is no rate
    network = spec.parse(recipe.model, flag="--model").name
    measured = _CONVNET_RATES[rule.name] if network in ("convnet", "quicknet") else _RATES[rule.name]
    if recipe.pretrained != "none" and _moves_what_is_known(recipe, in_shape):
        measured *= _SHARE_OF_RATE
    return measured if recipe.lr == "auto" else recipe.lr


def _moves_what_is_known(recipe: Recipe, in_shape: tuple[int, ...]) -> bool:
    """Whether a pretrained block below the head is ever trained: a head alone has nothing to spoil."""
    names = block_names(recipe.model, in_shape)
    kept, frozen = (chosen(names, text, flag) for text, flag in ((recipe.keep, "--keep"), (recipe.freeze, "--freeze")))
    known = any(taken and not stays for taken, stays in zip(kept[:-1], frozen[:-1], strict=True))
    return known and recipe.unfreeze_at != 1


def augmentation_for(asked: str, shape: tuple[int, ...]) -> tuple[str, str]:
    """The augmentation with presets spelled out, and why, where the user did not spell it out."""
    if len(shape) != 3:
        return "none" if asked == "auto" else asked, ""
    if asked != "auto":
        text = augmentation.expanded(asked, shape)
        names = {piece.name for piece in spec.parse_list(asked, flag="--augment")}
        preset = names & augmentation.PRESETS.keys()
        return text, f"{asked}, spelled out for {shape[2]} x {shape[1]}" if preset else ""
    if shape[0] == 3 and min(shape[1:]) >= 16:
        return augmentation.expanded("light", shape), "colour images; without flip where left differs from right"
    return "none", "gray or tiny images may be signs that a flip turns into others"


# Of a training from pretrained weights: the share in which the head is trained alone, the rate from block to block, and
# the share of the rate that a training from scratch takes. Measured with 40 to 1,000 images of the digits and of
# CIFAR-10 (see benchmarks/RESULTS.md): the full rate loses up to 2 points there, a tenth of it up to 3 or more.
_HEAD_ALONE, _LAYER_DECAY, _SHARE_OF_RATE = 0.3, 0.8, 0.3
# Measured on CIFAR-10 and its subsets and on the digits, see benchmarks/RESULTS.md
_RATES = {"sgd": 0.3, "momentum": 0.05, "adagrad": 5e-2, "rmsprop": 2e-3, "adam": 3e-3, "adamw": 3e-3, "adamax": 6e-3}
_RATES |= {"nadam": 3e-3, "lion": 5e-4, "muon": 2e-2}
_CONVNET_RATES = {"sgd": 0.5, "momentum": 0.1, "adagrad": 0.1, "rmsprop": 5e-3, "adam": 1e-2, "adamw": 1e-2}
_CONVNET_RATES |= {"adamax": 3e-2, "nadam": 1e-2, "lion": 1e-3, "muon": 2e-2}
# below so many training images: batch, epochs
_BY_SIZE = [(500, 16, 50), (2_000, 32, 20), (10_000, 64, 20), (40_000, 128, 15), (float("inf"), 128, 12)]
