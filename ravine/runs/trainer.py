"""Puts the pieces together: from a recipe and a data set to a training that can be run, saved and restored.

The files of this folder and the command line are the only ones that know all rooms of the house.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from itertools import islice
from typing import Any

import numpy as np
import torch

from ravine import data
from ravine.ensembles import Snapshots
from ravine.population import Population
from ravine.pretrained import Start
from ravine.recipe import Recipe
from ravine.runs import descent, focusing, regularizing, sweeping, teaching
from ravine.runs.beginning import beginning, kind_of_head, start_row
from ravine.runs.cached_features import CachedFeatures, CachedFeed
from ravine.runs.deploying import averaged
from ravine.runs.feeding import class_weights, input_normalization, resident, training_feed
from ravine.runs.freezing import overflowed, settle
from ravine.runs.networks import network_maker, runner
from ravine.runs.rows import metrics_row, times_row
from ravine.runs.scoring import validate
from ravine.runs.tuning import Tuning
from ravine.training.criterion import cross_entropy
from ravine.training.fit import Frozen, Position, fit
from ravine.training.pace import Pace
from ravine.training.pacer import Pacer
from ravine.training.selection import Best

# The curve of clean training accuracy is drawn on so many images; more would cost time and tell nothing new
_CLEAN_SAMPLE = 1000
# A whitening layer is fitted to so many
_WHITENED = 2000
# Batch norm's statistics of averaged weights are taken over so many
_STATISTICS_SAMPLE = 2000


class Training:
    """A training under way.

    Args:
        recipe: without any "auto" except `forward`, which is timed here and then stands in `self.recipe`.
        dataset: with "train" and "val".
        device: where to train.
        identities: as whom each member draws, `[K]`, and so what it becomes; the recipe's where None.
        start: the pretrained weights that the recipe names.

    Attributes:
        population, best: the networks as they are, and each member's best so far.
        ancestors: what its pretrained weights have learned.
        position: where the training stands, and who is frozen.
        focus: which images come more often, if some do.
        pace: how far each step is, and which is the last; `pacer` moves it, where there is a budget of time.
        chosen: the members that the run predicts with, as far as they are sound; a sweep's winners at its end.
        timed: seconds of a step by each way forward, where they were timed.
        rows: a dictionary of metrics per finished epoch; equal recipes give equal rows.
        times: the seconds of each epoch, which are never equal and so no part of the state.
    """

    def __init__(
        self,
        recipe: Recipe,
        dataset: data.Dataset,
        device: torch.device,
        identities: Sequence[int] | None = None,
        start: Start | None = None,
    ):
        train = dataset.splits["train"]
        recipe = regularizing.with_patience(recipe)
        self.identities = sweeping.identities(recipe) if identities is None else list(identities)
        columns = sweeping.columns(recipe, device)
        self._rate = columns.get("lr", float(recipe.lr))
        self.recipe, self.dataset, self.device = recipe, dataset, device
        self.in_shape = tuple(train.shape)
        self.normalize = input_normalization(recipe, train, start)
        self.takes = {name: resident(split, device) for name, split in dataset.splits.items()}
        self.labels = {name: torch.from_numpy(split.y).to(device) for name, split in dataset.splits.items()}
        self.head = kind_of_head(recipe, start)
        self.ancestors = start.all_learned if start else ()
        begin = beginning(recipe, start, dataset.classes) if start else None
        classes = len(dataset.classes)
        evenly = np.linspace(0, len(train) - 1, min(len(train), _WHITENED)).astype(np.int64)
        sample = lambda: self.normalize(torch.from_numpy(train.take(evenly)))  # noqa: E731
        make = network_maker(recipe, self.in_shape, classes, self.identities, self.head, begin, sample)
        self.population = Population(make, recipe.members, device)
        self.tuning = Tuning(self, start) if start else None
        teach = teaching.lessons(recipe, dataset, self.normalize, device)
        self.focus = focusing.focus(recipe, len(train), self.identities, lambda step: self.pace.progress(step), device)
        of_train = self.takes["train"]
        self.feed = training_feed(recipe, dataset, of_train, self.normalize, self.identities, device, teach, self.focus)
        batch = next(self.feed.epoch(0))[0] if recipe.forward == "auto" else None
        self.run, way, self.timed = runner(recipe, self.population, batch)
        self.recipe = recipe.changed(forward=way)
        self.stepper, self.schedule = descent.stepper(recipe, self.population, columns), descent.schedule(recipe)
        self.pace = (
            Pace.parse(recipe.plan, "--plan") if recipe.plan else Pace([(0, int(recipe.epochs) * self.feed.steps)])
        )
        self.snapshots = Snapshots(self.schedule, self.pace.total) if recipe.snapshots else None
        self.clip, self.ascend = descent.clipping(recipe, self.population), descent.ascent(recipe)
        self.average = descent.average(recipe, self.population.weights)
        began = start_row(recipe, self.population) if start and "l2_sp" in regularizing.pieces(recipe) else None
        self.penalty = regularizing.penalty(recipe, self.population, columns, began)
        factors = self.tuning.factors if self.tuning else None
        self.perturb = regularizing.perturbation(recipe, self.population, self.identities, factors)
        self.project = regularizing.projection(recipe, self.population)
        self._forward = self.run
        if self.tuning:
            self._hold(self.tuning)
        self.position = Position(torch.zeros(4, recipe.members, dtype=torch.float64, device=device))
        weights = class_weights(recipe, train.y, classes, device)
        self._criterion = cross_entropy(weights, regularizing.smoothing(recipe))
        self.best = Best(self.population)
        self.pacer: Pacer | None = None
        self.chosen = list(range(recipe.members))
        self.rows: list[dict[str, Any]] = []
        self.times: list[dict[str, Any]] = []
        self._on_freeze: Callable[[Frozen], None] | None = None
        self._sample = np.linspace(0, len(train) - 1, min(len(train), _CLEAN_SAMPLE)).astype(np.int64)

    @property
    def step(self) -> int:
        """Optimizer steps done."""
        return min(self.position.done(self.feed.steps), self.pace.total)  # the last epoch may be cut short

    @property
    def epochs_planned(self) -> int:
        """Epochs in all, with a last one that is cut short."""
        return -(-self.pace.total // self.feed.steps)

    @property
    def progress(self) -> float:
        """Which share of the training is done, 0 to 1, as its schedule counts."""
        return self.pace.progress(self.step)

    @property
    def done_progress(self) -> float:
        """The progress at the last step that was done: the next one may begin to train what was frozen in it."""
        return self.pace.progress(max(self.stepper.state.get("t", 0) - 1, 0))

    @property
    def finite(self) -> bool:
        """Whether every weight is a number; an absurd rate can overflow them while loss and gradient are finite."""
        return bool(self.population.weights.isfinite().all())

    @property
    def ended(self) -> bool:
        """All epochs done, or no better score for `patience` epochs."""
        patience = self.recipe.patience
        return self.position.epoch >= self.epochs_planned or 0 < patience <= self.best.since

    @property
    def voters(self) -> list[int]:
        """The members whose probabilities are averaged: the chosen ones, without those that froze before any score."""
        lost = {frozen.member for frozen in self.position.frozen if not self.best.epochs[frozen.member]}
        return [k for k in self.chosen if k not in lost]

    def epochs(
        self,
        on_step: Callable[[Position], None] | None = None,
        on_freeze: Callable[[Frozen], None] | None = None,
    ) -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
        """Trains to the end, yielding a row of metrics and one of seconds after each epoch; arguments as of `fit`."""
        self._on_freeze = on_freeze
        if self.ended:
            return
        cached = self.tuning.cached if self.tuning else None
        for epoch in fit(
            self.population,
            self._forward,
            CachedFeed(self.feed, cached, self.pace) if cached else self.feed,
            criterion=teaching.criterion(self.recipe, self._criterion),
            update=self._update,
            clip=self.clip,
            schedule=self.schedule,
            pace=self.pace,
            validate=lambda: validate(self, self._sample),
            position=self.position,
            seed=self.recipe.seed,
            identities=self.identities,
            penalty=self.penalty,
            perturb=self.perturb,
            ascend=self.ascend,
            memory=self._memory,
            on_freeze=self._settle,
            saw=self.focus.saw if self.focus else None,
            on_step=on_step,
        ):
            val, clean, signs = epoch.validation
            lost = [frozen.member for frozen in self.position.frozen]
            self.rows.append(metrics_row(epoch, val, clean, self._rate, lost, signs))
            self.times.append(times_row(epoch))
            descent.observe(self.schedule, self.rows[-1])
            yield self.rows[-1], self.times[-1]
            if self.ended:
                return

    def deployed(self) -> AbstractContextManager[None]:
        """Inside the block the networks are those that are evaluated and kept: with their averaged weights, if any."""
        batches = max(1, _STATISTICS_SAMPLE // int(self.recipe.batch))
        inputs = lambda: (x for x, _ in islice(self.feed.epoch(0), batches))  # noqa: E731
        held = self.tuning.held() if self.tuning else ()
        return averaged(self.population, self.average, inputs, self.recipe.seed, self.identities, held)

    def _hold(self, tuning: Tuning) -> None:
        """Sees to it that what is frozen stays as it is, and is computed once where that can be."""
        self._forward = tuning.run(self.run)
        self.penalty = tuning.penalty(self.penalty) if self.penalty else None
        self.project = tuning.project(self.project) if self.project else None
        fixed = self.feed.augment is None and self.feed.teach is None and not self.recipe.compile
        if fixed and tuning.shared:
            tuning.cached = CachedFeatures(self, tuning.plan, tuning.shared)

    def _update(self, weights: torch.Tensor, grads: torch.Tensor, factor: float) -> None:
        if self.tuning:
            self.stepper.stretches = self.tuning.stretches()
        self.stepper.step(weights, grads, factor)
        if self.project:
            self.project(weights, self._rate * factor)
        if self.average:
            self.average.update(self.pace.progress(self.step + 1))
        if self.snapshots and self.snapshots.due(self.step + 1):
            with self.deployed():
                self.snapshots.keep(self.population.state())

    def freeze_overflowed(self) -> None:
        """Freezes the members whose weights are no numbers any more, as long as others are left."""
        for frozen in overflowed(self.population, self.position):
            self.position.frozen.append(frozen)
            self._settle(frozen)

    def _settle(self, frozen: Frozen) -> None:
        settle(frozen.member, self.population, self.best, self.average)
        if self._on_freeze:
            self._on_freeze(frozen)

    def _memory(self) -> list[torch.Tensor]:
        """What an update changes besides the weights, `[K, ...]` each."""
        remembered = [value for value in self.stepper.state.values() if isinstance(value, torch.Tensor)]
        return remembered + (self.average.averages if self.average else [])
