"""What is trained when, as a table of blocks by phases, said before a fine-tuning begins."""

from collections.abc import Sequence
from itertools import zip_longest

from ravine.runs import sweeping
from ravine.runs.trainer import Training
from ravine.transfer import Cell, Line, table

# a column a phase where there are at most so many; gradual unfreezing has one a block, and then says since when
_COLUMNS = 2


def plan_lines(training: Training) -> list[str]:
    """The table's lines, and a line for each phase whose features are computed once; none without a plan."""
    tuning, recipe = training.tuning, training.recipe
    if tuning is None:
        return []
    epochs, layout, swept = int(recipe.epochs), training.population.layout, "lr" in sweeping.columns(recipe)
    lr = 1.0 if swept else float(recipe.lr)
    found = table(tuning.plan, tuning.row, lr, training.schedule, epochs, layout)
    phases = [f"epochs {cell.epochs[0]:.3g} to {cell.epochs[1]:.3g}" for cell in found[0].cells]
    short = len(phases) > _COLUMNS
    rows = [("block", "begins", "weights", *(("trained", "rate up to") if short else phases))]
    new = {*tuning.plan.fresh, *([] if recipe.head == "keep" else [found[-1].name])}
    for line in found:
        begins = "new" if line.name in new else "pretrained"
        said = _since(line) if short else [_in_words(cell) for cell in line.cells]
        rows.append((line.name, begins, f"{line.parameters:,}", *said))
    lines = _aligned(rows) + (_of_norms(found) if short else [])
    lines += ["the rates are shares of the swept lr"] if swept else []
    return [*lines, *_computed_once(training)]


def _since(line: Line) -> list[str]:
    """Since when a block is trained, and its highest rate; the rate of norms that are trained before it."""
    trained = [cell for cell in line.cells if cell.trained]
    before = max((cell.norm_rate for cell in line.cells if not cell.trained), default=0.0)
    if not trained:
        return [f"never, norms {before:.2g}" if before else "never"]
    first = trained[0].epochs[0]
    since = f"from epoch {first:.3g}" if first else "from the start"
    return [f"{since}, norms {before:.2g} before" if before else since, f"{max(cell.rate for cell in trained):.2g}"]


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
    widths = [max(map(len, column)) for column in zip_longest(*rows, fillvalue="")]
    return ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=False)).rstrip() for row in rows]


def _computed_once(training: Training) -> list[str]:
    """What is kept of frozen blocks, or that augmentation is why nothing is."""
    tuning = training.tuning
    if tuning is None:
        return []
    cached, plan = tuning.cached, tuning.plan
    if cached is None:
        fixed = any(plan.frozen_prefix(start) for start, _ in plan.phases())
        if not (fixed and tuning.shared and training.feed.augment):
            return []
        why = "since images are augmented; --augment none makes it one pass"
        return [f"frozen blocks are computed anew in every epoch, {why}"]
    depths = [depth for start, _ in plan.phases() if (depth := cached.depth(start))]
    if not depths:
        return []
    many = len(depths) > _COLUMNS
    blocks = f"{depths[0]} down to {depths[-1]}" if many else ", then ".join(map(str, depths))
    numbers = sorted({cached.numbers(depth) for depth in depths})
    count = f"{numbers[0]:,}" if len(numbers) == 1 else f"{numbers[0]:,} to {numbers[-1]:,}"
    return [f"computed once while they are frozen: what the first {blocks} blocks give, {count} numbers an image"]
