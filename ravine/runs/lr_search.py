"""The range test on a recipe and its data: which learning rate to train with.

    found = ravine.lr_find("photos/", model="resnet")
    print(found.suggestion.lr, found.suggestion.reason)
    run = ravine.train("photos/", recipe=found.recipe)

It is a training like any other, with the recipe's own network, rule, batches, augmentation, clipping and loss, whose
schedule is the sweep of the rate; so it trains by the same code. It sees training images only, leaves no folder behind,
and the networks that it trained are thrown away.
"""

import os
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, fields
from itertools import chain, count, islice
from typing import Any

import torch

from ravine import data, spec
from ravine.devices import device_named
from ravine.errors import NonFiniteLossError, UsageError
from ravine.optimization import RULES
from ravine.optimization.range_test import RangeTest, Sweep
from ravine.pretrained import Start
from ravine.recipe import Recipe
from ravine.runs import descent, regularizing
from ravine.runs.beginning import refuse_without
from ravine.runs.defaults import resolve, with_held_out
from ravine.runs.learned_before import apart
from ravine.runs.opening import opened, start_of
from ravine.runs.trainer import Training
from ravine.training.console import Console
from ravine.training.feed import TrainingFeed
from ravine.training.fit import Position
from ravine.training.pace import Pace


@dataclass(frozen=True)
class LrSearch(RangeTest):
    """A range test, and in `recipe` the recipe that was asked for with the suggested rate in it."""

    asked: Recipe

    @property
    def recipe(self) -> Recipe:
        """What was asked for, with the suggested rate."""
        return without_rate(self.asked).changed(lr=self.suggestion.lr)


def lr_find(
    source: Any,
    *,
    device: str = "auto",
    cache: str | os.PathLike[str] | None = None,
    quiet: bool = False,
    recipe: Recipe | None = None,
    steps: int = 400,
    low: float = 1e-6,
    high: float = 10.0,
    **settings: Any,
) -> LrSearch:
    """Trains for `steps` steps while the rate grows from `low` to `high`, and suggests one.

    Args:
        source: the data: a folder of images, a zip, an `.npz`, `digits` or arrays `(x, y)`.
        device: auto, cpu, cuda, ...
        cache: where decoded images are kept; `~/.cache/ravine` where None.
        quiet: show warnings only.
        recipe: settings; the default one where None. Of its members one is trained; its epochs and its schedule do not
            matter, and its rate is what is kept where no better one is found.
        steps: mini-batches, 20 or more.
        low, high: first and last rate, 0 < low < high.
        **settings: fields of `Recipe` to change.

    Raises:
        RavineError: bad data or bad settings; see `ravine.errors`.
    """
    asked = (recipe or Recipe()).changed(**settings)
    if asked.sweep:
        raise UsageError("tries rates by itself", where="ravine lr-find", cure="Leave --sweep out")
    refuse_without(asked)
    descent.check(asked)
    regularizing.pieces(asked)
    sweep, console = Sweep(low, high, steps), Console(quiet=quiet)
    # all that is ever trained is trained from the first step: the sweep has no phases
    swept = asked.changed(unfreeze_at=0.0, gradual=False) if asked.pretrained != "none" else asked
    start = start_of(asked)
    dataset = opened(source, asked, start, cache=cache, console=console)
    if start:
        dataset, swept, start = apart(dataset, swept, start)
    for warning in dataset.findings.warnings:
        console.warn(warning.text)
    on = device_named(device)
    dataset, held = with_held_out(dataset, swept)
    decided, _ = resolve(held, dataset, on, start)
    what = f"{decided.model}, {decided.optimizer}, batches of {decided.batch}, augment {decided.augment}"
    console.say(f"{what}: {steps} steps at rates from {low:g} to {high:g}")
    try:
        _train(sweep, decided, dataset, on, console, start)
    finally:
        console.close()
    test = sweep.result(float(decided.lr))
    return LrSearch(**{field.name: getattr(test, field.name) for field in fields(test)}, asked=asked)


def without_rate(recipe: Recipe) -> Recipe:
    """The recipe with its rate left open, also where it stands in the optimizer's brackets."""
    if "(" in recipe.optimizer:
        rule = spec.parse(recipe.optimizer, flag="--optimizer")
        _, settings = spec.bind(rule, RULES, flag="--optimizer", given={"params": None})
        kept = {name: value for name, value in settings.items() if name not in ("params", "lr")}
        recipe = recipe.changed(optimizer=str(spec.Spec(rule.name, (), kept)))
    return recipe.changed(lr="auto")


class _Enough(Exception):
    """The sweep has ended."""


def _train(
    sweep: Sweep,
    recipe: Recipe,
    dataset: data.Dataset,
    device: torch.device,
    console: Console,
    start: Start | None,
) -> None:
    """Fills the sweep."""
    steps = len(sweep.rates) + 1
    # one epoch of all steps, so that nothing is validated; lr 1, so that the schedule's factor is the rate
    alone = recipe.changed(members=1, snapshots=0, forward="direct", epochs=1, lr=1.0, schedule="constant")
    alone = alone.changed(optimizer=without_rate(alone).optimizer)
    training = Training(alone, dataset, device, start=start)
    training.feed = _Unbroken(**{f.name: getattr(training.feed, f.name) for f in fields(training.feed)}, length=steps)
    training.pace = Pace([(0, steps)])
    training.schedule = lambda progress: sweep.rates[min(round(progress * steps), steps - 2)]
    before = [0.0, 0]

    def on_step(position: Position) -> None:
        # the position adds up the losses of the epoch's images
        loss, seen = float(position.sums[0, 0]), position.seen
        sweep.record((loss - before[0]) / (seen - before[1]))
        before[:] = loss, seen
        console.training(len(sweep.losses), steps, lambda: f"loss {sweep.losses[-1]:.3f}", int(recipe.batch))
        if sweep.ended or len(sweep.losses) == steps:
            raise _Enough

    try:
        with suppress(_Enough):
            for _ in training.epochs(on_step):
                pass
    except NonFiniteLossError:
        sweep.record(float("nan"))


@dataclass(frozen=True)
class _Unbroken(TrainingFeed):
    """The batches of one epoch after the other as one epoch of `length` steps."""

    length: int = 0

    @property
    def steps(self) -> int:
        return self.length

    def epoch(self, number: int, first: int = 0) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
        endless = chain.from_iterable(super(_Unbroken, self).epoch(i) for i in count())
        return islice(endless, first, self.length)
