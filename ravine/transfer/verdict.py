"""What the numbers of `ravine transfers` say, in three plain sentences, and which of it can be told at all."""

from dataclasses import dataclass
from itertools import takewhile
from typing import TYPE_CHECKING, Any

from ravine.transfer.advice import advice, first_blocks, tested
from ravine.transfer.gap import MARGIN, WITHIN, Gap

if TYPE_CHECKING:
    from ravine.transfer.what_transfers import Transfer


@dataclass(frozen=True)
class Verdict:
    """What is decided, each by a paired 95% interval of its own: "clearly" is one that does not hold 0.

    That few seeds and images show no difference is no proof that there is none. So "carry over" has to be shown: all of
    the interval is above -`MARGIN` (non-inferiority; Piaggio et al., CONSORT statement, 2012).

    Attributes:
        carried: how many first blocks are shown to carry over: frozen they are less than `MARGIN` below fine-tuned ones
            (as at every shallower cut), clearly above as many random ones, and not clearly below training from scratch.
        specific: the first depth at which frozen is clearly below fine-tuned; None where there is none.
        freeze: how many first blocks of the whole network to freeze: the most that are shown to be less than `MARGIN`
            below the best and are clearly below neither it nor training from scratch; None where that is clearly better
            than all.
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
    carried, title, first = _carried(found, drops)
    freeze, command, third = advice(found)
    test = tested(found, freeze)
    if test:
        low, high = (100 * bound for bound in test["accuracy_interval"])
        third += f" On {test['n']:,} test images, which chose nothing, it reaches {test['accuracy']:.1%} "
        third += f"(95% {low:.1f} to {high:.1f})."
    second = _specific(found, drops, specific, carried)
    return Verdict(carried, specific, freeze, command, title, (first, second, third), test)


def _carried(found: "Transfer", drops: dict[int, Gap]) -> tuple[int, str, str]:
    """How many blocks carry over, in a few words, and as a sentence."""
    small = list(takewhile(lambda d: drops[d].small, drops))
    if not small:
        return 0, *_not_small(found, *next(iter(drops.items())))
    over_random = {d: found.gap("frozen", d, "random", d) for d in small}
    over_scratch = {d: found.gap("frozen", d, "scratch", 0) for d in small}
    better = [d for d in small if over_random[d].above]
    sure = [d for d in better if not over_scratch[d].below]
    if sure:
        d = sure[-1]
        blocks, drop = _capital(first_blocks(found, d)), drops[d]
        carry = "carries over" if d == 1 else "carry over"
        than = "better than fine-tuned" if drop.above else f"less than {WITHIN} below fine-tuned, if at all"
        said = f"{blocks} {carry}: frozen as pretrained, with the rest new, accuracy is {than} ({drop}), and above as "
        return d, f"{blocks} {carry}, to within {WITHIN}", f"{said}many random blocks ({over_random[d]})."
    if better:
        d = better[-1]
        said = f"No block is worth keeping as it is: {first_blocks(found, d)}, frozen, {_are(d)} better than random "
        said += f"ones ({over_random[d]}), but below training from scratch ({over_scratch[d]})."
        return 0, "No block is worth keeping as it is", said
    d = max(small, key=lambda d: over_random[d].value)
    over = over_random[d]
    said = f"No block is shown to carry over: even {first_blocks(found, d)}, frozen, {_are(d)} not clearly better than "
    hope = f"; {over.needed()} would tell a difference of that size" if over.value > 0 else ""
    return 0, "No block is shown to carry over", f"{said}as many random ones ({over}){hope}."


def _not_small(found: "Transfer", depth: int, drop: Gap) -> tuple[str, str]:
    """Title and sentence where not even the first cut is shown to cost less than the margin."""
    blocks = first_blocks(found, depth)
    if drop.below:
        much = drop.high < -MARGIN
        title = f"No block {'carries over as it is' if much else 'is shown to carry over'}"
        below = f"more than {WITHIN} below" if much else "below"
        return title, f"{title}: with {blocks} frozen, accuracy is already {below} fine-tuned ({drop})."
    said = f"It cannot be told whether any block carries over: with {blocks} frozen, accuracy may be {WITHIN} or more "
    said += f"below fine-tuned ({drop}); {drop.needed(-MARGIN)} would tell, if the difference is as measured."
    return "It cannot be told whether any block carries over", said


def _specific(found: "Transfer", drops: dict[int, Gap], at: int | None, carried: int) -> str:
    """Where frozen falls below fine-tuned."""
    if at is None:
        d = min(drops, key=lambda d: (drops[d].value, -d))
        lowest = f"frozen is lowest against fine-tuned with {first_blocks(found, d)} ({drops[d]})"
        if all(drop.small for drop in drops.values()):
            return f"Blocks become specific nowhere, to within {WITHIN}: {lowest}."
        hope = f"; {drops[d].needed()} would tell a difference of that size" if drops[d].value < 0 else ""
        few = f"{found.n:,} images and {found.seeds} seed{'s' * (found.seeds > 1)} show no place"
        return f"It cannot be told where blocks become specific, if anywhere: {few}, {lowest}{hope}."
    before, names = found.depths[found.depths.index(at) - 1], list(found.blocks)
    where = f"in block {at} ({names[at - 1]})"
    if at - before > 1:
        where = f"in blocks {before + 1} to {at} ({names[before]} to {names[at - 1]})"
    said = f"Blocks become specific {where}: frozen up to there, accuracy is below fine-tuned ({drops[at]})"
    if at <= carried:
        said += f", though by less than {WITHIN} up to block {carried}"
    again = [d for d in drops if d > at and not drops[d].below and drops[d].small]
    if again:
        said += f"; not so with {first_blocks(found, again[-1])} frozen: at some cuts neighbours that were trained "
        said += "together miss each other"
    return f"{said}."


def _are(depth: int) -> str:
    return "is" if depth == 1 else "are"


def _capital(words: str) -> str:
    return words[0].upper() + words[1:]
