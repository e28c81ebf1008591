"""The plan of a training that has to be done by a time: which network, in which number format, for how many steps.

The machine is measured for a second or two: steps of two widths of the network say what any width takes.
The widest network is taken that still sees every image often enough, and the wider it is the oftener; what is left of
the time is left to epochs.
"""

import math
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import torch

from ravine import data, models, spec
from ravine.duration import in_words
from ravine.recipe import Recipe
from ravine.runs import focusing
from ravine.runs.costs import Costs, Measure, measured
from ravine.training.pace import Pace

WIDTHS = (8, 16, 32, 48, 64, 96, 128)  # between them a CPU's vectors are half empty
# The widths that are timed. quicknet begins at 16: narrower it is hardly quicker, and in 60 seconds width 8 with 4.7
# epochs came to 77.9% of CIFAR-10, width 16 with 3.0 to 80.6%.
_MEASURED = (16, 32)
# Below so many training images: batch, the epochs that a network of width 32 has to leave, the widest network
_BY_SIZE = [(500, 16, 40, 32), (2_000, 32, 20, 32), (10_000, 64, 15, 48), (40_000, 128, 10, 64)]
_BY_SIZE += [(math.inf, 512, 5, 128)]
# What goes with quicknet where the recipe leaves it open, each measured (benchmarks/RESULTS.md)
QUICK: dict[str, Any] = {"optimizer": "muon(rho=0.8)", "lr": 0.06}
QUICK |= {"augment": "flip_alternating, translate(2)", "regularize": "label_smoothing(0.1)", "focus": "hard"}
_MUON_BATCH = 64  # its iterations take as long as a step of 32 images
_FEWEST_STEPS = 20  # planned at least: whether there is time for them is seen by the first ones
_MOST_EPOCHS = 400  # more of the same images were never seen to help
_CLEAN, _SAMPLE = 5000, 1000  # training images that are scored at the end, and after an epoch
_CLASSES = 10  # where they are not known yet
_SHARE_OF_END = 0.01  # of the whole time: report, weights files and the like, at its end
_SECONDS_OF_END = 0.5


def deadline(recipe: Recipe, dataset: data.Dataset, costs: Costs, seconds: float) -> tuple[float, float, float]:
    """By which second of a budget all is scored; seconds that the scoring takes after an epoch, and at the end."""
    judged = sum(len(split) for name, split in dataset.splits.items() if name != "train")
    image, n = recipe.members * costs.image, len(dataset.splits["train"])
    until = seconds - _SECONDS_OF_END - _SHARE_OF_END * seconds
    return until, 0.05 + image * (len(dataset.splits["val"]) + min(n, _SAMPLE)), image * (judged + min(n, _CLEAN))


def plan(
    recipe: Recipe,
    dataset: data.Dataset,
    device: torch.device,
    *,
    seconds: float,
    now: Callable[[], float],
    measure: Measure | None = None,
) -> tuple[Recipe, Costs, str]:
    """Decides what is open of model, precision, batch and epochs so that all is done when `seconds` are spent.

    Args:
        recipe: as asked for.
        dataset: with its validation split.
        device: where it will train.
        seconds: the budget.
        now: how many of them are spent.
        measure: a recipe's costs; by trying them where None.

    Returns:
        The recipe, with its plan; what its network costs; and a sentence.
    """
    n, shape, classes = len(dataset.splits["train"]), tuple(dataset.splits["train"].shape), len(dataset.classes)
    batch, enough, widest = by_size(n)
    recipe = recipe.changed(batch=min(batch, n)) if recipe.batch == "auto" else recipe
    measure = measure or (lambda one: measured(one, shape, classes, device))
    steps = len(data.steps(n, int(recipe.batch)))

    def epochs(costs: Costs) -> float:
        until, epoch_end, end = deadline(recipe, dataset, costs, seconds)
        return (until - end - now()) / (steps * costs.step * recipe.members + epoch_end)

    def fits(width: int, costs: Costs) -> bool:  # the more a network can learn, the longer it goes on learning
        return epochs(costs) >= enough * math.sqrt(width / 32)

    suited = "quicknet" if models.suits_quicknet(shape) else str(models.auto(shape))
    name = suited if recipe.model == "auto" else spec.parse(recipe.model, flag="--model").name
    recipe, costs = _with_precision(recipe, name, device, measure)
    if recipe.model == "auto":
        width, costs = _width(recipe, name, costs, measure, fits, widest)
        recipe = recipe.changed(model=_sized(name, width))
    said = ""
    if name == "quicknet" and recipe.pretrained == "none":  # pretrained weights have rates of their own
        recipe, said = _quick(recipe)
    total = max(_FEWEST_STEPS, round(min(epochs(costs), _MOST_EPOCHS) * steps))
    recipe = recipe.changed(budget=in_words(seconds), epochs=-(-total // steps), plan=str(Pace([(0, total)])))
    return recipe, costs, _said(recipe, shape, total / steps, seconds, seconds - now()) + said


def quick_rate(model: str) -> float:
    """Muon's rate for a quicknet: `lr sqrt(16 / width)`.

    The scale "rms" makes a matrix's step as long as the root of its larger side; at that scale the change of what a
    layer gives stays the same where the rate falls with the root of the width. (Yang et al., "A Spectral Condition for
    Feature Learning", 2023.)
    """
    _, settings = spec.bind(spec.parse(model), models.MODELS, given={"in_shape": (), "classes": 0})
    return round(QUICK["lr"] * math.sqrt(16 / settings.get("width", 16)), 4)


def by_size(n: int) -> tuple[int, int, int]:
    """For so many training images: batch, epochs that a network of width 32 has to leave, widest network."""
    _, *row = next(row for row in _BY_SIZE if n < row[0])
    return row[0], row[1], row[2]


def least_costs(recipe: Recipe, shape: tuple[int, ...], device: torch.device) -> Costs:
    """What the narrowest network that is planned for images of this shape costs here."""
    name = str(models.auto(shape))
    timed = recipe.changed(model=_sized(name, _MEASURED[0]))
    return _with_precision(timed, name, device, lambda one: measured(one, shape, _CLASSES, device))[1]


def _quick(recipe: Recipe) -> tuple[Recipe, str]:
    """The recipe with what goes with quicknet wherever it is open, and those pieces in words."""
    chosen = {flag: value for flag, value in QUICK.items() if getattr(recipe, flag) == "auto"}
    if int(recipe.batch) < _MUON_BATCH:
        chosen.pop("optimizer", None)
    if "optimizer" not in chosen:
        chosen.pop("lr", None)  # it is the rate of this rule
    if "lr" in chosen:
        chosen["lr"] = quick_rate(recipe.model)
    if recipe.balance == "sampler" and "augment" in chosen:  # which shows an image several times in an epoch
        chosen["augment"] = chosen["augment"].replace("flip_alternating", "flip")
    if "focus" in chosen and not focusing.possible(recipe):
        chosen.pop("focus")
    pieces = "; ".join(f"--{flag} {value!r}" for flag, value in chosen.items())
    return recipe.changed(**chosen), f"; with {pieces}" if pieces else ""


def _with_precision(recipe: Recipe, name: str, device: torch.device, measure: Measure) -> tuple[Recipe, Costs]:
    """The recipe with the quicker number format, where it is open, and what its network costs, or a middling one."""
    asked = recipe.model
    tried = recipe.changed(model=_sized(name, _MEASURED[-1])) if asked == "auto" else recipe
    if recipe.precision != "auto":
        return recipe, measure(tried)
    formats = ("bfloat16",) if device.type == "cuda" else ("float32", "bfloat16")
    costs = {one: measure(tried.changed(precision=one)) for one in formats}
    # bfloat16 has 8 bits: it has to be worth it
    chosen = "bfloat16" if len(costs) == 1 or costs["bfloat16"].step < 0.85 * costs["float32"].step else "float32"
    return recipe.changed(precision=chosen), costs[chosen]


def _sized(name: str, width: int) -> str:
    return name if name == "mlp" else f"{name}(width={width})"


def _width(
    recipe: Recipe, name: str, known: Costs, measure: Measure, fits: Callable[[int, Costs], bool], widest: int
) -> tuple[int, Costs]:
    """The widest network that fits, and its costs: `a width + b width^2` through two that were timed."""
    if name == "mlp":
        return 0, known
    low, high = _MEASURED
    small = measure(recipe.changed(model=_sized(name, low)))

    def costs(width: int) -> Costs:
        def curve(at_low: float, at_high: float) -> float:
            b = max(0.0, (at_high / high - at_low / low) / (high - low))
            return (at_high / high - b * high) * width + b * width**2

        return Costs(curve(small.step, known.step), curve(small.image, known.image))

    widths = [width for width in WIDTHS if width <= widest and (width >= low or name != "quicknet")]
    width = max((width for width in widths if fits(width, costs(width))), default=widths[0])
    return width, costs(width)


def _said(recipe: Recipe, shape: tuple[int, ...], epochs: float, seconds: float, left: float) -> str:
    pixels = f", {shape[2]} x {shape[1]} px" if len(shape) == 3 else ""
    ends = (datetime.now() + timedelta(seconds=left)).strftime("%H:%M:%S")
    capped = f"; more than {_MOST_EPOCHS} epochs are not worth their time" if epochs >= _MOST_EPOCHS else ""
    return (
        f"plan for {in_words(seconds)}: {recipe.model}{pixels}, {epochs:.3g} epochs of batches of {recipe.batch} in "
        f"{recipe.precision}; ends at {ends}{capped}"
    )
