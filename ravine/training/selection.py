"""The best weights so far, and how long ago that was."""

import math

import torch

from ravine.population import Population


class Best:
    """Keeps a copy of each member's weights from the epoch with its best validation score.

    A score is better with a higher accuracy or, at equal accuracy, with a lower loss. NaN is never best. Before the
    first score the weights are those of the latest `keep_latest`, so that there is always something to predict with.

    Attributes:
        state: the kept matrices, as `Population.state`.
        epochs: `[K]`, the epoch of each member's best; 0 where there has been no score yet.
        scores: `[K]` pairs (accuracy, loss), None where there has been no score yet.
        since: epochs since any member improved.
    """

    def __init__(self, population: Population):
        self.state = {name: tensor.clone() for name, tensor in population.state().items()}
        self.epochs = [0] * len(population.members)
        self.scores: list[tuple[float, float] | None] = [None] * len(population.members)
        self.since = 0

    def update(
        self, population: Population, epoch: int, accuracy: tuple[float, ...], loss: tuple[float, ...]
    ) -> list[int]:
        """Takes in the scores `[K]` of an epoch; returns the members that improved."""
        improved = []
        for k, score in enumerate(zip(accuracy, loss, strict=True)):
            if _better(score, self.scores[k]):
                improved.append(k)
                self.scores[k], self.epochs[k] = score, epoch
        self._copy(population, improved)
        self.since = 0 if improved else self.since + 1
        return improved

    def keep_latest(self, population: Population) -> None:
        """Takes the present weights of every member that has had no score yet."""
        self._copy(population, [k for k, score in enumerate(self.scores) if score is None])

    def about(self) -> dict[str, object]:
        """What `restore` needs besides the matrices; goes through JSON."""
        return {"epochs": self.epochs, "scores": self.scores, "since": self.since}

    def restore(self, state: dict[str, torch.Tensor], about: dict[str, object]) -> None:
        """The reverse of `state` and `about`."""
        for name, mine in self.state.items():
            mine.copy_(state[name])
        self.epochs = list(about["epochs"])  # pyright: ignore[reportArgumentType]
        self.scores = [tuple(s) if s else None for s in about["scores"]]  # pyright: ignore
        self.since = int(about["since"])  # pyright: ignore[reportArgumentType]

    @torch.no_grad()
    def _copy(self, population: Population, members: list[int]) -> None:
        for name, tensor in population.state().items():
            for k in members:
                self.state[name][k].copy_(tensor[k])


def _better(score: tuple[float, float], than: tuple[float, float] | None) -> bool:
    accuracy, loss = score
    if math.isnan(accuracy) or math.isnan(loss):
        return False
    return than is None or accuracy > than[0] or (accuracy == than[0] and loss < than[1])
