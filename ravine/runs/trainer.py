"""Puts the pieces together: from a recipe and a data set to a training that can be run, saved and restored.

The files of this folder and the command line are the only ones that know all rooms of the house.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import islice
from typing import Any

import numpy as np
import torch

from ravine import data, draws
from ravine.errors import DataError
from ravine.optimization import recompute_statistics
from ravine.population import Population
from ravine.recipe import Recipe
from ravine.runs import descent, regularizing
from ravine.runs.feeding import augmentation, order, resident
from ravine.runs.networks import network_maker, runner
from ravine.runs.rows import metrics_row, times_row
from ravine.training.criterion import cross_entropy
from ravine.training.evaluate import Score, evaluate
from ravine.training.feed import TrainingFeed, clean_batches, normalization
from ravine.training.fit import Position, fit
from ravine.training.selection import Best

# The curve of clean training accuracy is drawn on so many images; more would cost time and tell nothing new
_CLEAN_SAMPLE = 1000
# Batch norm's statistics of averaged weights are taken over so many
_STATISTICS_SAMPLE = 2000


class Training:
    """A training under way.

    Args:
        recipe: without any "auto" except `forward`, which is timed here and then stands in `self.recipe`.
        dataset: with "train" and "val".
        device: where to train.

    Attributes:
        population, best: the networks as they are, and each member's best so far.
        position: where the training stands.
        timed: seconds of a step by each way forward, where they were timed.
        rows: a dictionary of metrics per finished epoch; equal recipes give equal rows.
        times: the seconds of each epoch, which are never equal and so no part of the state.
    """

    def __init__(self, recipe: Recipe, dataset: data.Dataset, device: torch.device):
        train, val = dataset.splits["train"], dataset.splits["val"]
        if len(train) < 2 or not len(val):
            found = f"{len(train)} training and {len(val)} validation images"
            raise DataError(found, where=dataset.name, expected="at least 2 and 1")
        if len(dataset.classes) < 2:
            raise DataError("one class only", where=dataset.name, expected="images of two classes or more")
        recipe = regularizing.with_patience(recipe)
        self.recipe, self.dataset, self.device = recipe, dataset, device
        self.in_shape = tuple(train.shape)
        self.normalize = normalization(train.take, len(train))
        self.takes = {name: resident(split, device) for name, split in dataset.splits.items()}
        self.labels = {name: torch.from_numpy(split.y).to(device) for name, split in dataset.splits.items()}
        make = network_maker(recipe, self.in_shape, len(dataset.classes))
        self.population = Population(make, recipe.members, device)
        self.feed = TrainingFeed(
            take=self.takes["train"],
            labels=self.labels["train"],
            order=order(recipe, train.y),
            bounds=data.steps(len(train), int(recipe.batch)),
            members=recipe.members,
            normalize=self.normalize,
            repeats=recipe.balance == "sampler",
            **augmentation(recipe, self.in_shape, len(train), len(dataset.classes), self.normalize),
        )
        batch = next(self.feed.epoch(0))[0] if recipe.forward == "auto" else None
        self.run, way, self.timed = runner(recipe, self.population, batch)
        self.recipe = recipe.changed(forward=way)
        self.stepper, self.schedule = descent.stepper(recipe, self.population), descent.schedule(recipe)
        self.clip, self.ascend = descent.clipping(recipe, self.population), descent.ascent(recipe)
        self.average = descent.average(recipe, self.population.weights)
        self.penalty = regularizing.penalty(recipe, self.population)
        self.perturb = regularizing.perturbation(recipe, self.population)
        self.project = regularizing.projection(recipe, self.population)
        self.position = Position(torch.zeros(4, recipe.members, dtype=torch.float64, device=device))
        self.best = Best(self.population)
        self.rows: list[dict[str, Any]] = []
        self.times: list[dict[str, Any]] = []
        self._sample = np.linspace(0, len(train) - 1, min(len(train), _CLEAN_SAMPLE)).astype(np.int64)

    @property
    def step(self) -> int:
        """Optimizer steps done."""
        return self.position.epoch * self.feed.steps + self.position.step

    @property
    def finite(self) -> bool:
        """Whether every weight is a number; an absurd rate can overflow them while loss and gradient are finite."""
        return bool(self.population.weights.isfinite().all())

    @property
    def ended(self) -> bool:
        """All epochs done, or no better score for `patience` epochs."""
        patience = self.recipe.patience
        return self.position.epoch >= int(self.recipe.epochs) or 0 < patience <= self.best.since

    def epochs(
        self, on_step: Callable[[Position], None] | None = None
    ) -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
        """Trains to the end, yielding a row of metrics and one of seconds after each epoch."""
        if self.ended:
            return
        for epoch in fit(
            self.population,
            self.run,
            self.feed,
            criterion=cross_entropy(self._class_weights(), regularizing.smoothing(self.recipe)),
            update=self._update,
            clip=self.clip,
            schedule=self.schedule,
            epochs=int(self.recipe.epochs),
            validate=self._validate,
            position=self.position,
            seed=self.recipe.seed,
            penalty=self.penalty,
            perturb=self.perturb,
            ascend=self.ascend,
            on_step=on_step,
        ):
            val, clean = epoch.validation
            self.rows.append(metrics_row(epoch, val, clean, float(self.recipe.lr)))
            self.times.append(times_row(epoch))
            descent.observe(self.schedule, self.rows[-1])
            yield self.rows[-1], self.times[-1]
            if self.ended:
                return

    @contextmanager
    def deployed(self) -> Iterator[None]:
        """Inside the block the networks are those that are evaluated and kept: with their averaged weights, if any."""
        if self.average is None or not self.average.begun:
            yield
            return
        kept = {name: buffer.clone() for name, buffer in self.population.buffers.items()}
        with self.average.applied():
            batches = [x for x, _ in islice(self.feed.epoch(0), max(1, _STATISTICS_SAMPLE // int(self.recipe.batch)))]
            for k, member in enumerate(self.population.members):
                with draws.seeded(self.recipe.seed, k, "statistics"):
                    recompute_statistics(member, [x[k] for x in batches])
            try:
                yield
            finally:
                for name, buffer in self.population.buffers.items():
                    buffer.copy_(kept[name])

    def _update(self, weights: torch.Tensor, grads: torch.Tensor, factor: float) -> None:
        self.stepper.step(weights, grads, factor)
        if self.project:
            self.project(weights, float(self.recipe.lr) * factor)
        if self.average:
            self.average.update((self.step + 1) / (int(self.recipe.epochs) * self.feed.steps))

    def _validate(self) -> tuple[Score, Score]:
        """Scores on validation and on training images, without augmentation; keeps what is best."""
        with self.deployed():
            val, clean = self.score("val"), self.score("train", self._sample)
            self.best.update(self.population, self.position.epoch + 1, val.accuracy, val.loss)
        return val, clean

    def score(self, split: str, rows: np.ndarray | None = None) -> Score:
        """Scores the networks as they are, in eval mode, on a split or on some rows of it."""
        self.population.train(False)
        indices = torch.arange(len(self.labels[split])) if rows is None else torch.from_numpy(rows)
        batches = clean_batches(self.takes[split], self.labels[split], indices.to(self.device), self.normalize)
        return evaluate(self.run, batches, self.recipe.members, len(self.dataset.classes))

    def _class_weights(self) -> torch.Tensor | None:
        if self.recipe.balance != "loss":
            return None
        weights = data.class_weights(self.dataset.splits["train"].y, len(self.dataset.classes))
        return torch.as_tensor(weights, dtype=torch.float32, device=self.device)
