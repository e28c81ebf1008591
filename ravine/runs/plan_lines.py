"""What is trained when, as a table of blocks by phases, said before a fine-tuning begins."""

from collections.abc import Sequence

from ravine.runs.trainer import Training
from ravine.transfer import Cell, table

# a cell says all in words where there are at most so many phases; gradual unfreezing has one a block
_IN_WORDS = 4
_NORMS = {"kept": "norms kept", "follows": "norms' statistics follow", "trained": "norms trained"}


def plan_lines(training: Training) -> list[str]:
    """The table's lines, and a line for each phase whose features are computed once; none without a plan."""
    tuning, recipe = training.tuning, training.recipe
    if tuning is None:
        return []
    epochs, layout = int(recipe.epochs), training.population.layout
    found = table(tuning.plan, tuning.row, float(recipe.lr), training.schedule, epochs, layout)
    phases = [f"{cell.epochs[0]:.3g} to {cell.epochs[1]:.3g}" for cell in found[0].cells]
    short = len(phases) > _IN_WORDS
    rows = [("block", "weights", *(phases if short else (f"epochs {phase}" for phase in phases)))]
    rows += [(line.name, f"{line.parameters:,}", *(_words(cell, short) for cell in line.cells)) for line in found]
    lines = _aligned(rows)
    if short:
        norms = {cell.trained: cell.norm for line in found for cell in line.cells if cell.norm}
        where = {False: "frozen", True: "trained"}
        said = ", ".join(f"{_NORMS[norm]} where {where[trained]}" for trained, norm in sorted(norms.items()))
        lines = ["highest rate in each stretch of epochs", *lines, *([f"batch norm: {said}"] if said else [])]
    return [*lines, *_computed_once(training)]


def _words(cell: Cell, short: bool) -> str:
    if short:
        return f"{cell.rate:.2g}" if cell.trained else "frozen"
    moves = f"rate up to {cell.rate:.2g}" if cell.trained else "frozen"
    return f"{moves}, {_NORMS[cell.norm]}" if cell.norm else moves


def _aligned(rows: Sequence[Sequence[str]]) -> list[str]:
    """Rows of text as lines, each column as wide as its longest cell."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]


def _computed_once(training: Training) -> list[str]:
    cached = training.tuning.cached if training.tuning else None
    if training.tuning is None or cached is None:
        return []
    depths = [depth for start, _ in training.tuning.plan.phases() if (depth := cached.depth(start))]
    if not depths:
        return []
    blocks = ", then ".join(f"{depth:,}" for depth in depths)
    numbers = sorted({cached.numbers(depth) for depth in depths})
    count = f"{numbers[0]:,}" if len(numbers) == 1 else f"{numbers[0]:,} to {numbers[-1]:,}"
    return [f"computed once while they are frozen: what the first {blocks} blocks give, {count} numbers an image"]
