"""The training loop.

    for epoch in fit(...):
        print(epoch.number, epoch.loss, epoch.validation)

A generator: the caller looks at each record, saves, draws, stops. It can be entered at any step of any epoch.
A member of several that loses its way is frozen; the others go on.
"""

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, Protocol

import torch

from ravine import draws
from ravine.population import Forward, Population
from ravine.training.freezing import freeze_lost, held
from ravine.training.objective import Objective
from ravine.training.pace import Pace
from ravine.training.position import Frozen, Position


class Feed(Protocol):
    """The training data of each epoch."""

    @property
    def steps(self) -> int:
        """Batches an epoch."""
        ...

    def epoch(self, number: int, first: int = 0) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
        """Batches `x [K, B, ...]`, `y` from batch `first` on; y is labels `[K, B]` or targets `[K, B, classes]`.

        Or both the labels' targets and a teacher's, `[K, B, 2, classes]`.
        """
        ...


@dataclass(frozen=True)
class Epoch:
    """What happened in one epoch; lists have an entry per member, NaN for the loss and norm of a frozen one.

    `number` counts from 1; `loss` is that of the data, to which `penalty` is added where there is one; `rate` is the
    schedule's factor at the epoch's last step; `norm` the mean length of the whole gradient before clipping; `examples`
    counts those since the loop was entered; `seconds` says where the time went (data, compute, validation).
    """

    number: int
    loss: list[float]
    accuracy: list[float]
    norm: list[float]
    rate: float
    validation: Any
    examples: int
    seconds: dict[str, float]
    penalty: list[float] | None = None


def fit(
    population: Population,
    run: Forward,
    feed: Feed,
    *,
    criterion: Callable[[torch.Tensor, torch.Tensor], torch.Tensor],
    update: Callable[[torch.Tensor, torch.Tensor, float], None],
    clip: Callable[[torch.Tensor], torch.Tensor],
    schedule: Callable[[float], float],
    pace: Pace,
    validate: Callable[[], Any],
    position: Position,
    seed: int = 0,
    identities: Sequence[int] | None = None,
    penalty: Callable[[torch.Tensor, torch.Tensor], torch.Tensor] | None = None,
    perturb: Callable[[int, int], AbstractContextManager[None]] | None = None,
    ascend: Callable[[torch.Tensor, torch.Tensor], AbstractContextManager[None]] | None = None,
    memory: Callable[[], Iterable[torch.Tensor]] = tuple,
    on_freeze: Callable[[Frozen], None] | None = None,
    saw: Callable[[int, torch.Tensor, torch.Tensor], None] | None = None,
    on_step: Callable[[Position], None] | None = None,
) -> Iterator[Epoch]:
    """Trains from `position` to the end of `pace`, yielding an `Epoch` after each; the last may be cut short.

    Args:
        population: what is trained.
        run: the population's forward.
        feed: batches of an epoch, by number.
        criterion: logits `[K, B, classes]` and what the feed gives as `y` to losses `[K]`.
        update: moves weights `[K, P]` by gradients `[K, P]` at a factor of the rate.
        clip: may shorten gradients `[K, P]`, penalty included, in place; returns their norms `[K]` from before.
        schedule: progress (0..1) to a factor of the rate.
        pace: how far each step is, and where the end is; `on_step` may move it.
        validate: scores the population; called in eval mode.
        position: where to start; moves along in place.
        seed, identities: of what the networks draw (dropout), and as which member each draws; 0 to K - 1 where None.
        penalty, perturb, ascend: what is added to the loss, noise on the weights, and where the gradient is taken
            instead; see `Objective`.
        memory: the matrices `[K, ...]` that `update` changes besides the weights: what a rule remembers, an average.
        on_freeze: called when a member of several has a loss or gradient that is not finite, before that step's update.
            From then on its weights, statistics and memory stay as they are, and its gradient is 0.
        saw: is told a step's number within its epoch, its logits `[K, B, classes]` and what the feed gave as `y`.
        on_step: called between two steps; what it raises ends the training there.

    Raises:
        NonFiniteLossError: no member is left whose loss and gradient are finite; weights, statistics and position are
            those before that step.
    """
    objective = Objective(population, run, criterion, seed, identities, penalty, perturb, ascend)
    statistics = {name: buffer.clone() for name, buffer in population.buffers.items()}
    while position.step or position.done(feed.steps) < pace.total:  # an epoch under way ends with its validation
        seconds, started, before = {"data": 0.0}, time.perf_counter(), position.seen
        population.train()
        with draws.own_generators():
            for x, y in _timed(_to_the_end(feed, position, pace), seconds):
                rate = schedule(pace.progress(position.done(feed.steps)))
                _copy(population.buffers, to=statistics)
                losses, penalties, logits = objective.gradient(x, y, position.epoch, position.step)
                norms = clip(population.grads)
                freeze_lost(position, population, statistics, losses, penalties, norms, on_freeze)
                with held([population.weights, *memory()], position.frozen):
                    update(population.weights, population.grads, rate)
                if saw:
                    saw(position.step, logits, y)
                _count(position, losses, penalties, logits, y, norms)
                if on_step:
                    on_step(position)
        seconds["compute"] = time.perf_counter() - started - seconds["data"]
        population.train(False)
        validation = validate()
        seconds["validation"] = time.perf_counter() - started - seconds["data"] - seconds["compute"]
        rate = schedule(pace.progress(position.done(feed.steps) - 1))
        record = _record(position, rate, validation, position.seen - before, seconds, penalty is not None)
        position.sums.zero_()
        position.epoch, position.step, position.seen = position.epoch + 1, 0, 0
        yield record


def _copy(tensors: dict[str, torch.Tensor], to: dict[str, torch.Tensor]) -> None:
    for name, tensor in tensors.items():
        to[name].copy_(tensor)


def _to_the_end(feed: Feed, position: Position, pace: Pace) -> Iterator[Any]:
    """The batches of the epoch under way, up to the last step of all, which may be moved meanwhile."""
    batches = feed.epoch(position.epoch, position.step)
    while position.done(feed.steps) < pace.total:
        batch = next(batches, None)
        if batch is None:
            return
        yield batch


def _timed(batches: Iterator[Any], seconds: dict[str, float]) -> Iterator[Any]:
    """The same batches; the time spent waiting for them goes to `seconds["data"]`."""
    while True:
        started = time.perf_counter()
        batch = next(batches, None)
        seconds["data"] += time.perf_counter() - started
        if batch is None:
            return
        yield batch


def _count(
    position: Position,
    losses: torch.Tensor,
    penalties: torch.Tensor | None,
    logits: torch.Tensor,
    y: torch.Tensor,
    norms: torch.Tensor,
) -> None:
    examples = y.shape[1]
    labels = y[:, :, 0] if y.dim() == 4 else y
    likeliest = labels if labels.dim() == 2 else labels.argmax(2)
    correct = (logits.argmax(2) == likeliest).sum(1)
    position.sums[:3] += torch.stack([losses.double() * examples, correct.double(), norms.double() * examples])
    if penalties is not None:
        position.sums[3] += penalties.double() * examples
    position.seen += examples
    position.step += 1


def _record(
    position: Position, rate: float, validation: Any, examples: int, seconds: dict[str, float], penalized: bool
) -> Epoch:
    loss, accuracy, norm, *penalty = (position.sums / max(position.seen, 1)).tolist()
    penalties = penalty[0] if penalized else None
    return Epoch(position.epoch + 1, loss, accuracy, norm, rate, validation, examples, seconds, penalties)
