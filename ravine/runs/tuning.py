"""Fine-tuning inside a training: which blocks are trained when, at which rate, and that what is frozen stays as it is.

All of it is a function of progress alone (`transfer.Unfreezing`), so that a training that is taken up again freezes and
unfreezes exactly as one that was never interrupted.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING

import torch
from torch import nn

from ravine.optimization import Stretch
from ravine.population import Forward
from ravine.pretrained import Start
from ravine.runs.cached_features import CachedFeatures
from ravine.transfer import Span, blocks, chosen, set_modes, spans, unfreezing

if TYPE_CHECKING:
    from ravine.runs.trainer import Training

_Norm = nn.modules.batchnorm._NormBase


class Tuning:
    """The plan of a fine-tuning, at work on a population.

    Args:
        training: with its recipe, without "auto" in what that says of freezing, and its population, whose members are
            run one after another.
        start: the pretrained weights that it began with.

    Attributes:
        row: the blocks.
        plan: when each is trained.
        shared: how many blocks, from the first on, all members begin with alike.
        cached: what frozen blocks give, where it is kept.
    """

    def __init__(self, training: "Training", start: Start):
        recipe, population = training.recipe, training.population
        self.row = blocks(population.members[0])
        names = [block.name for block in self.row]
        kept = chosen(names, recipe.keep, "--keep")
        self.plan = unfreezing(
            names,
            freeze=recipe.freeze,
            unfreeze_at=float(recipe.unfreeze_at),
            gradual=recipe.gradual,
            layer_decay=float(recipe.layer_decay),
            bn=recipe.bn,
            fresh=[name for name, taken in zip(names[:-1], kept, strict=False) if not taken],
        )
        alone, begun = len(population.members) == 1, len(start.states) == 1
        fresh = [i for i, name in enumerate(names) if name in self.plan.fresh]
        self.shared = len(names) if alone else min([*fresh, len(names)]) if begun else 0
        self.population, self._training = population, training
        norms = [name for name, module in population.members[0].named_modules() if isinstance(module, _Norm)]
        self._norms = {slot.name for slot in population.layout if slot.name.rpartition(".")[0] in norms}
        self._known: tuple[list[tuple[float, float]], list[tuple[Span, int]], torch.Tensor] | None = None
        self.cached: CachedFeatures | None = None

    def run(self, forward: Forward) -> Forward:
        """The forward in training: every block in its phase's mode, and from features where a batch is of those."""

        def tuned(batch: torch.Tensor, *reseed: Callable[[int], None]) -> torch.Tensor:
            progress = self._training.progress
            for member in self.population.members:
                set_modes(member, self.row, self.plan, progress)
            depth = self.cached.depth(progress) if self.cached else 0
            return (self.cached.run(depth) if self.cached and depth else forward)(batch, *reseed)

        return tuned

    def stretches(self) -> list[Stretch]:
        """What the step that comes now trains, for the rule: a weight's steps are counted from its first one."""
        step = self._training.step
        return [Stretch(span.start, span.stop, span.factor, step - first) for span, first in self._now()[1]]

    def factors(self) -> torch.Tensor:
        """What each weight's rate is multiplied by now, float32 `[P]`; 0 where it is frozen."""
        return self._now()[2]

    def _now(self) -> tuple[list[tuple[float, float]], list[tuple[Span, int]], torch.Tensor]:
        progress, plan = self._training.progress, self.plan
        of_blocks = [(plan.factor(i, progress), plan.norm_factor(i, progress)) for i in range(len(self.row))]
        if self._known is None or self._known[0] != of_blocks:  # a row of millions, which changes between phases only
            trained = spans(plan, self.row, self.population.layout, progress, self._norms)
            row = torch.zeros_like(self.population.weights[0])
            for span in trained:
                row[span.start : span.stop] = span.factor
            self._known = of_blocks, [(span, self._first(span.since)) for span in trained], row
        return self._known

    def _first(self, progress: float) -> int:
        """The number of the first step at or after this progress."""
        return self._training.pace.step_at(progress)

    def penalty(self, penalty: Callable[[torch.Tensor, torch.Tensor], torch.Tensor]) -> Callable[..., torch.Tensor]:
        """A penalty that pulls on nothing that is frozen: neither clipping nor a rule's memory sees it there."""

        def tuned(weights: torch.Tensor, grads: torch.Tensor) -> torch.Tensor:
            values = penalty(weights, grads)
            grads[:, self.factors() == 0] = 0.0
            return values

        return tuned

    def project(self, project: Callable[..., None]) -> Callable[..., None]:
        """A projection at each weight's own rate, which leaves what is frozen as it is."""

        def tuned(weights: torch.Tensor, rate: float | torch.Tensor) -> None:
            factors = self.factors()
            frozen = factors == 0
            kept = weights[:, frozen]
            project(weights, rate, factors)
            weights[:, frozen] = kept

        return tuned

    def held(self) -> set[str]:
        """The modules, by name, of the blocks whose batch norms kept their statistics in the last step."""
        progress = self._training.done_progress
        kept = [block for i, block in enumerate(self.row) if self.plan.norm(i, progress) == "kept"]
        inside = tuple(f"{name}." for block in kept for name in block.modules)
        return {name for name, _ in self.population.members[0].named_modules() if f"{name}.".startswith(inside)}
