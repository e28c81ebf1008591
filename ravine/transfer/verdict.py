"""What the numbers of `ravine transfers` say, in three plain sentences, and which of it can be told at all."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ravine.interval import wilson
from ravine.transfer.gap import Gap

if TYPE_CHECKING:
    from ravine.transfer.what_transfers import Transfer


@dataclass(frozen=True)
class Verdict:
    """What is decided, each "clearly" by a paired 95% interval of its own that does not hold 0.

    Attributes:
        carried: how many first blocks are shown to carry over: frozen they are not clearly below fine-tuned ones (nor
            is any shallower cut), not clearly below training from scratch, and clearly above as many random ones.
        specific: the first depth at which frozen is clearly below fine-tuned; None where there is none.
        freeze: how many first blocks of the whole network to freeze: the most that are clearly below neither the best
            nor training from scratch; None where that is clearly better than all.
        command: the command line that does it.
        title: the first of it in a few words.
        sentences: all of it.
        test: accuracy of what `command` does on the test split, which nothing was chosen on; None where there is none.
    """

    carried: int
    specific: int | None
    freeze: int | None
    command: str
    title: str
    sentences: tuple[str, str, str]
    test: dict[str, Any] | None


def verdict(found: "Transfer") -> Verdict:
    """Decides on validation alone; the accuracy on test is that of what was decided."""
    drops = {d: found.gap("frozen", d, "tuned", d) for d in found.depths[1:]}
    specific = next((d for d, drop in drops.items() if drop.below), None)
    carried, title, first = _carried(found, drops, specific)
    freeze, command, third = _advice(found)
    test = _test(found, freeze)
    if test:
        low, high = (100 * bound for bound in test["accuracy_interval"])
        third += f" On {test['n']:,} test images, which chose nothing, it reaches {test['accuracy']:.1%} "
        third += f"(95% {low:.1f} to {high:.1f})."
    return Verdict(carried, specific, freeze, command, title, (first, _specific(found, drops, specific), third), test)


def first_blocks(found: "Transfer", depth: int) -> str:
    """`the first 3 of 9 blocks (stem to layer1.1)`."""
    names, every = found.blocks, len(found.blocks)
    if depth == every:
        return f"all {every} blocks" if every > 1 else f"the only block ({names[0]})"
    if depth == 1:
        return f"the first of {every} blocks ({names[0]})"
    return f"the first {depth} of {every} blocks ({names[0]} to {names[depth - 1]})"


def _carried(found: "Transfer", drops: dict[int, Gap], specific: int | None) -> tuple[int, str, str]:
    """How many blocks carry over, in a few words, and as a sentence."""
    before = [d for d in drops if specific is None or d < specific]
    if not before:
        d = found.depths[1]
        said = f"No block is shown to carry over as it is: with {first_blocks(found, d)} frozen, accuracy is already "
        return 0, "No block carries over as it is", f"{said}below fine-tuned ({drops[d]})."
    over_random = {d: found.gap("frozen", d, "random", d) for d in before}
    over_scratch = {d: found.gap("frozen", d, "scratch", 0) for d in before}
    sure = [d for d in before if over_random[d].above and not over_scratch[d].below]
    if sure:
        d = sure[-1]
        blocks, drop = first_blocks(found, d), drops[d]
        carry = "carries over" if d == 1 else "carry over"
        than = "better than fine-tuned" if drop.above else "not clearly worse than fine-tuned"
        said = f"{_capital(blocks)} {carry}: frozen as pretrained, with the rest new, accuracy is {than} "
        return d, f"{_capital(blocks)} {carry}", f"{said}({drop}) and above as many random blocks ({over_random[d]})."
    lost = [d for d in before if over_random[d].above]
    if lost:
        d = lost[-1]
        said = (
            f"No block is worth keeping as it is: {first_blocks(found, d)}, frozen, {_are(d)} better than random ones "
        )
        said += f"({over_random[d]}), but below training from scratch ({over_scratch[d]})."
        return 0, "No block is worth keeping as it is", said
    d = max(before, key=lambda d: over_random[d].value)
    said = (
        f"No block is shown to carry over: even {first_blocks(found, d)}, frozen, {_are(d)} not clearly better than as "
    )
    said += f"many random ones ({over_random[d]})"
    hope = f"; {over_random[d].needed} would tell a difference of that size" if over_random[d].value > 0 else ""
    return 0, "No block is shown to carry over", f"{said}{hope}."


def _specific(found: "Transfer", drops: dict[int, Gap], at: int | None) -> str:
    """Where frozen falls below fine-tuned."""
    if at is None:
        d = min(drops, key=lambda d: (drops[d].value, -d))
        seeds = f"{found.seeds} seed{'s' * (found.seeds > 1)}"
        said = f"Blocks become specific nowhere, as far as {found.n:,} images and {seeds} can tell: frozen is lowest "
        said += f"against fine-tuned with {first_blocks(found, d)} ({drops[d]})"
        hope = f"; {drops[d].needed} would tell a difference of that size" if drops[d].value < 0 else ""
        return f"{said}{hope}."
    before, names = found.depths[found.depths.index(at) - 1], list(found.blocks)
    where = f"in block {at} ({names[at - 1]})"
    if at - before > 1:
        where = f"in blocks {before + 1} to {at} ({names[before]} to {names[at - 1]})"
    said = f"Blocks become specific {where}: frozen up to there, accuracy is below fine-tuned ({drops[at]})"
    again = [d for d in drops if d > at and not drops[d].below]
    if again:
        said += f"; not so with {first_blocks(found, again[-1])} frozen: at some cuts neighbours that were trained "
        said += "together miss each other"
    return f"{said}."


def _advice(found: "Transfer") -> tuple[int | None, str, str]:
    """How many blocks to freeze, the command, and the sentence: the most that is clearly below nothing."""
    best = max(found.depths, key=lambda d: (found.accuracy("whole", d), d))
    behind = {d: found.gap("whole", d, "whole", best) for d in found.depths}
    over_scratch = {d: found.gap("whole", d, "scratch", 0) for d in found.depths}
    if over_scratch[best].below:
        gain = found.gap("scratch", 0, "whole", best)
        said = f"Train from scratch: that reaches {_accuracy(found, 'scratch', 0)}, better than these weights, "
        return (
            None,
            found.commands["train"],
            f"{said}whatever is frozen of them ({gain} over the best, {in_place(best)}).",
        )
    chosen = max(d for d in found.depths if not behind[d].below and not over_scratch[d].below)
    flag, over = f"--freeze {freeze_text(found, chosen)}", over_scratch[chosen]
    command, reached = f"{found.commands['finetune']} {flag}", f"reaches {_accuracy(found, 'whole', chosen)}"
    if chosen == 0:
        least = found.depths[1]
        said = f"Freeze nothing: {flag} {reached}, and with {first_blocks(found, least)} frozen it would lose "
        said += f"({behind[least]})"
    else:
        blocks = "all but the head" if chosen == len(found.blocks) else first_blocks(found, chosen)
        rival = f"not clearly below the best, {in_place(best)} ({behind[chosen]})"
        said = f"Freeze {blocks}: {flag} {reached}, {'the best that was tried' if chosen == best else rival}"
    if over.above:
        return chosen, command, f"{said}; it is above training from scratch ({over})."
    hope = f"; {over.needed} would tell a difference of that size" if over.value else ""
    return chosen, command, f"{said}. It cannot be told from training from scratch ({over}){hope}."


def _accuracy(found: "Transfer", line: str, depth: int) -> str:
    low, high = (100 * bound for bound in found.interval(line, depth))
    return f"{found.accuracy(line, depth):.1%} (95% {low:.1f} to {high:.1f}) on validation"


def _are(depth: int) -> str:
    return "is" if depth == 1 else "are"


def in_place(depth: int) -> str:
    """What of the whole network is frozen."""
    return f"with the first {depth} frozen" if depth else "with nothing frozen"


def freeze_text(found: "Transfer", depth: int) -> str:
    """As --freeze takes it on a command line."""
    if depth == 0:
        return "none"
    return '"all but head"' if depth == len(found.blocks) else f'"first {depth}"'


def _test(found: "Transfer", freeze: int | None) -> dict[str, Any] | None:
    setting = ("scratch", 0) if freeze is None else found.setting("whole", freeze)
    right = found.test.get(setting, np.empty((0, 0)))
    if not right.size:
        return None
    accuracy, n = float(right.mean()), right.shape[1]
    return {"n": n, "accuracy": accuracy, "accuracy_interval": list(wilson(accuracy * n, n))}


def _capital(words: str) -> str:
    return words[0].upper() + words[1:]
