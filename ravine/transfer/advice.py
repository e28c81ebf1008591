"""How many blocks to freeze on this data, as a command and as a sentence that says how sure that is."""

from typing import TYPE_CHECKING, Any

import numpy as np

from ravine.interval import wilson
from ravine.transfer.gap import WITHIN, Gap

if TYPE_CHECKING:
    from ravine.transfer.what_transfers import Transfer


def advice(found: "Transfer") -> tuple[int | None, str, str]:
    """How many blocks to freeze, the command, and the sentence: the most that is shown to cost little."""
    best = max(found.depths, key=lambda d: (found.accuracy("whole", d), d))
    behind = {d: found.gap("whole", d, "whole", best) for d in found.depths}
    over_scratch = {d: found.gap("whole", d, "scratch", 0) for d in found.depths}
    if over_scratch[best].below:
        gain = found.gap("scratch", 0, "whole", best)
        said = f"Train from scratch: that reaches {_accuracy(found, 'scratch', 0)}, better than these weights, "
        said += f"whatever is frozen of them ({gain} over the best, {_in_place(best)})."
        return None, found.commands["train"], said
    cheap = [d for d in found.depths if behind[d].small and not behind[d].below and not over_scratch[d].below]
    chosen = max([best, *cheap])
    flag, over = f"--freeze {_flag_text(found, chosen)}", over_scratch[chosen]
    command, reached = f"{found.commands['finetune']} {flag}", f"reaches {_accuracy(found, 'whole', chosen)}"
    if chosen == 0:
        said = f"Freeze nothing: {flag} {reached}; {_cost(found, behind[found.depths[1]])}"
    else:
        blocks = "all but the head" if chosen == len(found.blocks) else first_blocks(found, chosen)
        rival = f"less than {WITHIN} below the best, {_in_place(best)} ({behind[chosen]})"
        said = f"Freeze {blocks}: {flag} {reached}, {'the best that was tried' if chosen == best else rival}"
    if over.above:
        return chosen, command, f"{said}; it is above training from scratch ({over})."
    hope = f"; {over.needed()} would tell a difference of that size" if over.value else ""
    return chosen, command, f"{said}. It cannot be told from training from scratch ({over}){hope}."


def _cost(found: "Transfer", drop: Gap) -> str:
    """What the least that can be frozen costs, where it is advised to freeze nothing."""
    blocks = first_blocks(found, found.depths[1])
    if drop.below:
        return f"with {blocks} frozen it is lower ({drop})"
    if drop.small:
        return f"with {blocks} frozen it is below training from scratch"
    return f"with {blocks} frozen it may lose {WITHIN} or more ({drop})"


def tested(found: "Transfer", freeze: int | None) -> dict[str, Any] | None:
    """The accuracy on test of what is advised; None where there is no test split."""
    setting = ("scratch", 0) if freeze is None else found.setting("whole", freeze)
    right = found.test.get(setting, np.empty((0, 0)))
    if not right.size:
        return None
    accuracy, n = float(right.mean()), right.shape[1]
    return {"n": n, "accuracy": accuracy, "accuracy_interval": list(wilson(accuracy * n, n))}


def first_blocks(found: "Transfer", depth: int) -> str:
    """`the first 3 of 9 blocks (stem to layer1.1)`."""
    names, every = found.blocks, len(found.blocks)
    if depth == every:
        return f"all {every} blocks" if every > 1 else f"the only block ({names[0]})"
    if depth == 1:
        return f"the first of {every} blocks ({names[0]})"
    return f"the first {depth} of {every} blocks ({names[0]} to {names[depth - 1]})"


def _in_place(depth: int) -> str:
    """What of the whole network is frozen."""
    return f"with the first {depth} frozen" if depth else "with nothing frozen"


def _flag_text(found: "Transfer", depth: int) -> str:
    """As --freeze takes it on a command line."""
    if depth == 0:
        return "none"
    return '"all but head"' if depth == len(found.blocks) else f'"first {depth}"'


def _accuracy(found: "Transfer", line: str, depth: int) -> str:
    low, high = (100 * bound for bound in found.interval(line, depth))
    return f"{found.accuracy(line, depth):.1%} (95% {low:.1f} to {high:.1f}) on validation"
