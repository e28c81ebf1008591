"""A training that keeps a budget of time: planned before it begins, watched step by step, each plan written down."""

import time

import torch

from ravine import data
from ravine.checkpoints.run_folder import RunFolder
from ravine.duration import in_words, seconds_in
from ravine.pretrained import Start
from ravine.recipe import Recipe
from ravine.runs.budget import budget_of
from ravine.runs.costs import Costs, measured
from ravine.runs.planning import deadline, plan
from ravine.runs.trainer import Training
from ravine.training.console import Console
from ravine.training.pacer import Pacer

_WORTH_SAYING = 0.3  # a change of the epochs by this share


class Clock:
    """Seconds since a budget began to count: at `began`, of `time.monotonic`, or now."""

    def __init__(self, began: float | None = None):
        self.began = time.monotonic() if began is None else began

    def __call__(self) -> float:
        return time.monotonic() - self.began


def with_plan(
    recipe: Recipe, dataset: data.Dataset, device: torch.device, start: Start | None, clock: Clock
) -> tuple[Recipe, Costs | None, list[str]]:
    """The recipe with what its budget decides, what its network costs, and what is to be said; as it is without one."""
    seconds = budget_of(recipe, dataset)
    if seconds is None:
        return recipe.changed(budget="none"), None, []
    model = start.model if start and recipe.model == "auto" else recipe.model
    made = dataset.preprocessing
    if made and made.height == made.width and recipe.size == "auto" and not start:
        recipe = recipe.changed(size=made.height)  # a run goes on with the side that it had time for
    chosen = f"budget {in_words(seconds)}, by the data; --budget gives it another time, --epochs N goes without a clock"
    told = [chosen] if recipe.budget == "auto" else []
    recipe, costs, said = plan(recipe.changed(model=model), dataset, device, seconds=seconds, now=clock)
    return recipe, costs, [*told, said]


def clocked(asked: Recipe, decided: Recipe) -> bool:
    """Whether a clock goes on deciding: not where a finished plan was asked for."""
    return not asked.plan and decided.budget not in ("auto", "none")


def keep_time(training: Training, clock: Clock, costs: Costs | None = None, spent: float = 0.0) -> None:
    """Gives a training the pacer that its budget asks for.

    Args:
        training: with its plan.
        clock: of its budget.
        costs: of its network; measured where None.
        spent: seconds of the budget from before it was interrupted.
    """
    recipe, seconds = training.recipe, seconds_in(training.recipe.budget)
    clock.began -= spent
    costs = costs or measured(recipe, training.in_shape, len(training.dataset.classes), training.device)
    until, epoch_end, end = deadline(recipe, training.dataset, costs, seconds)
    training.pacer = Pacer(
        training.pace,
        training.feed.steps,
        until=until,
        step_seconds=costs.step * recipe.members,
        epoch_seconds=epoch_end,
        end_seconds=end,
        seconds=seconds,
        now=clock,
    )


def write_plan(training: Training, pacer: Pacer, folder: RunFolder, console: Console) -> None:
    """Writes a new plan into the folder's recipe, before a step is done by it, and says what it changes."""
    steps = training.feed.steps
    training.recipe = training.recipe.changed(plan=str(training.pace), epochs=training.epochs_planned)
    folder.write_text(folder.recipe.name, training.recipe.to_toml())
    before, total = pacer.announced, training.pace.total
    if abs(total - before) > _WORTH_SAYING * before:
        how = "slower" if total < before else "quicker"
        said = f"{total / steps:.3g} epochs instead of {before / steps:.3g}"
        console.say(f"steps are {how} than planned: {said}, to end in time")
        pacer.announced = total
