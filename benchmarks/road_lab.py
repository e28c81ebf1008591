"""The trainings that the roads of roads.py share, and what their networks say of test images."""

import time
from typing import NamedTuple

import numpy as np
import torch

from ravine import data
from ravine.ensembles import greedy_soup, uniform_soup
from ravine.optimization import recompute_statistics
from ravine.recipe import Recipe
from ravine.runs.defaults import resolve
from ravine.runs.state import about
from ravine.runs.trainer import Training
from ravine.trained import Trained

CPU = torch.device("cpu")
TUNING = 0.25  # epochs of fine-tuning, as a share of a single run's, at this share of its rate
RATE = 0.3
State = dict[str, torch.Tensor]


class Road(NamedTuple):
    """Probabilities `[S, N, classes]` on test, one network or vote a seed; seconds of training and passes for each."""

    said: np.ndarray
    seconds: float
    passes: float = 1


class Lab:
    """The trainings that roads share, each made when it is first asked for. Of S seeds and K members, member j S + s
    is the j-th of seed s, and the first S are the single runs.

    Args:
        dataset: with train, val and test.
        recipe: of a single run, with `members` S.
        members: K.
    """

    def __init__(self, dataset: data.Dataset, recipe: Recipe, members: int):
        self.dataset, self.recipe, self.seeds, self.members = dataset, recipe, recipe.members, members
        self.labels = dataset.splits["test"].y
        self._made: dict[str, tuple[Training, float]] = {}
        self.trained("warm-up", epochs=1)  # the first steps of a process are slower
        self.single = self.trained("single")

    def trained(self, name: str, start: State | None = None, **settings: object) -> tuple[Training, float]:
        """A finished training, and its CPU seconds a network; from other weights where `start` has them."""
        if name not in self._made:
            recipe, _ = resolve(self.recipe.changed(**settings), self.dataset, CPU)
            training = Training(recipe, self.dataset, CPU)
            if start:
                training.population.load(start)
            started = time.process_time()
            for _ in training.epochs():
                pass
            self._made[name] = training, (time.process_time() - started) / recipe.members
        return self._made[name]

    def pool(self) -> tuple[Training, float]:
        """K networks a seed with initial weights of their own."""
        return self.trained("pool", members=self.members * self.seeds)

    def tuned(self) -> tuple[Training, float]:
        """K short trainings a seed, from the end of its single run, with orders and draws of their own."""
        training, seconds = self.single
        start = {name: torch.cat([t] * self.members) for name, t in training.population.state().items()}
        recipe = training.recipe
        short = {"epochs": max(1, round(TUNING * int(recipe.epochs))), "lr": RATE * float(recipe.lr)}
        training, more = self.trained("tuned", start, members=self.members * self.seeds, seed=recipe.seed + 1, **short)
        return training, seconds / self.members + more

    def network(self, training: Training, state: State) -> Trained:
        """Any number of networks with these weights."""
        return Trained(training.population.named(state), {**about(training, "last"), "members": len(state["weights"])})

    def said(
        self, training: Training, split: str = "test", state: State | None = None, tta: str = "none"
    ) -> np.ndarray:
        """Probabilities `[K, N, classes]` at the end of a training, or with other weights."""
        with training.deployed():
            network = self.network(training, state or training.population.state())
        return network.answers(self.dataset, split, tta).probabilities

    def grouped(self, said: np.ndarray) -> np.ndarray:
        """`[J S, ...]` to `[S, J, ...]`."""
        return said.reshape(-1, self.seeds, *said.shape[1:]).swapaxes(0, 1)

    def soups(self, training: Training, how: str) -> np.ndarray:
        """Probabilities `[S, N, classes]` of each seed's soup."""
        state, batches = training.population.state(), [x[0] for x, _ in training.feed.epoch(0)][:30]

        def with_statistics(soup: State) -> Trained:
            network = self.network(training, {name: t[None] for name, t in soup.items()})
            recompute_statistics(network.population.members[0], batches)
            return network

        def score(soup: State) -> float:
            return float(with_statistics(soup).answers(self.dataset, "val").correct.mean())

        out = []
        for s in range(self.seeds):
            states = [{name: t[k] for name, t in state.items()} for k in range(s, len(state["weights"]), self.seeds)]
            soup = uniform_soup(states) if how == "uniform" else greedy_soup(states, score)[0]
            out.append(with_statistics(soup).answers(self.dataset, "test").probabilities[0])
        return np.stack(out)
