"""What is descended: the loss of the data plus a penalty, its gradient taken at the weights or beside them."""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass

import torch

from ravine import draws
from ravine.population import Forward, Population


@dataclass(frozen=True)
class Objective:
    """A population's loss on a batch, with its gradient.

    Args:
        population: whose weights, and where the gradient arrives.
        run: the population's forward.
        criterion: logits `[K, B, classes]` and targets to losses `[K]`.
        seed: of what the networks draw (dropout).
        identities: as which member each draws, `[K]`; 0 to K - 1 where None.
        penalty: given weights and gradients `[K, P]`, adds its own gradient in place and returns values `[K]`.
        perturb: given epoch and step, a block inside which the weights are noisy; for the loss of the data, not for
            the penalty.
        ascend: given weights and gradients `[K, P]`, a block inside which the weights are those whose gradient is
            descended (SAM). What is returned is the loss at the weights themselves.
    """

    population: Population
    run: Forward
    criterion: Callable[[torch.Tensor, torch.Tensor], torch.Tensor]
    seed: int = 0
    identities: Sequence[int] | None = None
    penalty: Callable[[torch.Tensor, torch.Tensor], torch.Tensor] | None = None
    perturb: Callable[[int, int], AbstractContextManager[None]] | None = None
    ascend: Callable[[torch.Tensor, torch.Tensor], AbstractContextManager[None]] | None = None

    def gradient(
        self, x: torch.Tensor, y: torch.Tensor, epoch: int, step: int
    ) -> tuple[torch.Tensor, torch.Tensor | None, torch.Tensor]:
        """Fills `population.grads`; returns losses `[K]`, penalties `[K]` if any, and logits `[K, B, classes]`."""
        found = self._gradient_here(x, y, epoch, step)
        if self.ascend:
            buffers = self.population.buffers
            seen = {name: buffer.clone() for name, buffer in buffers.items()}
            with self.ascend(self.population.weights, self.population.grads):
                self._gradient_here(x, y, epoch, step)
            for name, buffer in seen.items():  # statistics of the weights themselves
                buffers[name].copy_(buffer)
        return found

    def _gradient_here(
        self, x: torch.Tensor, y: torch.Tensor, epoch: int, step: int
    ) -> tuple[torch.Tensor, torch.Tensor | None, torch.Tensor]:
        weights, grads = self.population.weights, self.population.grads
        drawn = range(len(weights)) if self.identities is None else self.identities
        with self.perturb(epoch, step) if self.perturb else nullcontext():
            logits = self.run(x, lambda k: draws.seed_global(self.seed, drawn[k], "forward", epoch, step))
            losses = self.criterion(logits, y)
            grads.zero_()
            losses.sum().backward()
        penalties = self.penalty(weights, grads) if self.penalty else None
        return losses.detach(), penalties, logits.detach()
