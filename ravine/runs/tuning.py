"""Fine-tuning inside a training: which blocks are trained when, at which rate, and that what is frozen stays as it is.

All of it is a function of progress alone (`transfer.Unfreezing`), so that a training that is taken up again freezes and
unfreezes exactly as one that was never interrupted.
"""

from collections.abc import Callable

import torch
from torch import nn

from ravine.population import Forward, Population
from ravine.recipe import Recipe
from ravine.runs.cached_features import CachedFeatures
from ravine.transfer import blocks, chosen, factors, set_modes, unfreezing

_Norm = nn.modules.batchnorm._NormBase


class Tuning:
    """The plan of a fine-tuning, at work on a population.

    Args:
        recipe: settled: without "auto" in what it says of freezing.
        population: whose members are run one after another.
        progress: what share of the training is done, 0 to 1.

    Attributes:
        row: the blocks.
        plan: when each is trained.
        cached: what frozen blocks give, where it is kept.
    """

    def __init__(self, recipe: Recipe, population: Population, progress: Callable[[], float]):
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
        self.population, self._progress = population, progress
        norms = [name for name, module in population.members[0].named_modules() if isinstance(module, _Norm)]
        self._norms = {slot.name for slot in population.layout if slot.name.rpartition(".")[0] in norms}
        self._known: tuple[list[tuple[float, float]], torch.Tensor] | None = None
        self.cached: CachedFeatures | None = None

    def run(self, forward: Forward) -> Forward:
        """The forward in training: every block in its phase's mode, and from features where a batch is of those."""

        def tuned(batch: torch.Tensor, *reseed: Callable[[int], None]) -> torch.Tensor:
            progress = self._progress()
            for member in self.population.members:
                set_modes(member, self.row, self.plan, progress)
            depth = self.cached.depth(progress) if self.cached else 0
            return (self.cached.run(depth) if self.cached and depth else forward)(batch, *reseed)

        return tuned

    def factors(self) -> torch.Tensor:
        """What each weight's rate is multiplied by now, `[P]`; 0 where it is frozen."""
        progress, plan = self._progress(), self.plan
        of_blocks = [(plan.factor(i, progress), plan.norm_factor(i, progress)) for i in range(len(self.row))]
        if self._known is None or self._known[0] != of_blocks:  # a row of millions, which changes between phases only
            row = factors(plan, self.row, self.population.layout, progress, self._norms)
            self._known = of_blocks, row.to(self.population.weights.device)
        return self._known[1]

    def penalty(self, penalty: Callable[[torch.Tensor, torch.Tensor], torch.Tensor]) -> Callable[..., torch.Tensor]:
        """A penalty that pulls on nothing that is frozen: neither clipping nor a rule's memory sees it there."""

        def tuned(weights: torch.Tensor, grads: torch.Tensor) -> torch.Tensor:
            values = penalty(weights, grads)
            grads[:, self.factors() == 0] = 0.0
            return values

        return tuned

    def project(self, project: Callable[..., None]) -> Callable[..., None]:
        """A projection that leaves what is frozen as it is."""

        def tuned(weights: torch.Tensor, rate: float | torch.Tensor) -> None:
            frozen = self.factors() == 0
            kept = weights[:, frozen]
            project(weights, rate)
            weights[:, frozen] = kept

        return tuned

    def held(self) -> set[str]:
        """The modules, by name, of the blocks whose batch norms keep their statistics in the present phase."""
        progress = self._progress()
        kept = [block for i, block in enumerate(self.row) if self.plan.norm(i, progress) == "kept"]
        inside = tuple(f"{name}." for block in kept for name in block.modules)
        return {name for name, _ in self.population.members[0].named_modules() if f"{name}.".startswith(inside)}
