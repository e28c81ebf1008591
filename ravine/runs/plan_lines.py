"""What is trained when, as a table of blocks by phases, said before a fine-tuning begins."""

from collections.abc import Sequence

from ravine.runs import sweeping
from ravine.runs.trainer import Training
from ravine.transfer import Cell, Line, table

# a cell says all in words where there are at most so many phases; gradual unfreezing has one a block
_IN_WORDS = 4


def plan_lines(training: Training) -> list[str]:
    """The table's lines, and a line for each phase whose features are computed once; none without a plan."""
    tuning, recipe = training.tuning, training.recipe
    if tuning is None:
        return []
    epochs, layout, swept = int(recipe.epochs), training.population.layout, "lr" in sweeping.columns(recipe)
    lr = 1.0 if swept else float(recipe.lr)
    found = table(tuning.plan, tuning.row, lr, training.schedule, epochs, layout)
    phases = [f"{cell.epochs[0]:.3g} to {cell.epochs[1]:.3g}" for cell in found[0].cells]
    short = len(phases) > _IN_WORDS
    rows = [("block", "weights", *(phases if short else (f"epochs {phase}" for phase in phases)))]
    said = _briefly if short else _in_words
    rows += [(line.name, f"{line.parameters:,}", *(said(cell) for cell in line.cells)) for line in found]
    lines = _aligned(rows)
    if short:
        lines = ["highest rate in each stretch of epochs", *lines, *_of_norms(found)]
    lines += ["the rates are shares of the swept lr"] if swept else []
    return [*lines, *_computed_once(training)]


def _briefly(cell: Cell) -> str:
    if cell.trained:
        return f"{cell.rate:.2g}"
    return f"norms {cell.norm_rate:.2g}" if cell.norm_rate else "frozen"


def _in_words(cell: Cell) -> str:
    moves = f"rate up to {cell.rate:.2g}" if cell.trained else "frozen"
    if cell.norm_rate and not cell.trained:
        return f"{moves}, {_norms(cell)} at up to {cell.norm_rate:.2g}"
    return f"{moves}, {_norms(cell)}" if cell.norm else moves


def _norms(cell: Cell) -> str:
    """Trained: statistics follow and weights are trained; kept: both stay, or the statistics alone."""
    if cell.norm == "kept":
        return "norms' statistics kept" if cell.norm_rate else "norms kept"
    return {"follows": "norms' statistics follow", "trained": "norms trained"}[cell.norm]


def _of_norms(found: Sequence[Line]) -> list[str]:
    """What batch norms do where their block is frozen, and where it is trained; a block that differs is named."""
    said = []
    for trained, where in ((False, "frozen"), (True, "trained")):
        blocks: dict[str, list[str]] = {}
        for line in found:
            for words in {_norms(cell): None for cell in line.cells if cell.norm and cell.trained == trained}:
                blocks.setdefault(words, []).append(line.name)
        most = max(blocks, key=lambda words: len(blocks[words]), default="")
        said += [f"{most} where {where}"] if most else []
        said += [f"{words} in {', '.join(names)}" for words, names in blocks.items() if words != most]
    return [f"batch norm: {', '.join(said)}"] if said else []


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
