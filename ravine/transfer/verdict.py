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
    """What is decided, by paired 95% intervals: "clearly" is one that does not hold 0.

    That few seeds and images show no difference is no proof that there is none. So "carry over" has to be shown: all of
    the interval is above -`MARGIN`. In simulated experiments (2 to 5 seeds, 40 to 2,000 images, 6 depths, 200 of each)
    blocks that lose 5 points in truth were said to carry over in 1.5% to 3% of the cases, those that lose 12 in none.

    Attributes:
        carried: how many first blocks are shown to carry over: all, where they are less than `MARGIN` below fine-tuned
            and no shallower cut is clearly below; else as far as every cut is less than `MARGIN` below. And they are
            clearly above as many random ones, and not clearly below training from scratch.
        specific: the first depth at which frozen is clearly below fine-tuned, where the intervals of all but the first
            hold at once, since among them it is searched; None where there is none.
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
    carried, title, first = _carried(found, drops)
    freeze, command, third = advice(found)
    test = tested(found, freeze)
    if test:
        low, high = (100 * bound for bound in test["accuracy_interval"])
        third += f" On {test['n']:,} test images, which chose nothing, it reaches {test['accuracy']:.1%} "
        third += f"(95% {low:.1f} to {high:.1f})."
    specific, second = _specific(found, drops, carried)
    return Verdict(carried, specific, freeze, command, title, (first, second, third), test)


def _carried(found: "Transfer", drops: dict[int, Gap]) -> tuple[int, str, str]:
    """How many blocks carry over, in a few words, and as a sentence."""
    deepest, clear = found.depths[-1], any(drop.below for drop in drops.values())
    small = list(takewhile(lambda d: drops[d].small, drops))
    small = [deepest] if drops[deepest].small and not clear else small
    if not small:
        return 0, *_not_small(found, *next(iter(drops.items())))
    d = small[-1]  # no other is asked: among many comparisons with random blocks one is above by chance
    drop, over_random, over_scratch = (
        drops[d],
        found.gap("frozen", d, "random", d),
        found.gap("frozen", d, "scratch", 0),
    )
    blocks = first_blocks(found, d)
    if not over_random.above:
        said = f"No block is shown to carry over: even {blocks}, frozen, {_are(d)} not clearly better than as many "
        hope = f"; {over_random.needed()} would tell a difference of that size" if over_random.value > 0 else ""
        return 0, "No block is shown to carry over", f"{said}random ones ({over_random}){hope}."
    if over_scratch.below:
        said = f"No block is worth keeping as it is: {blocks}, frozen, {_are(d)} better than random ones "
        said += f"({over_random}), but below training from scratch ({over_scratch})."
        return 0, "No block is worth keeping as it is", said
    carry = f"{_capital(blocks)} {'carries' if d == 1 else 'carry'} over"
    than = "better than fine-tuned" if drop.above else f"less than {WITHIN} below fine-tuned, if at all"
    said = f"{carry}: frozen as pretrained, with the rest new, accuracy is {than} ({drop}), and above as many random "
    return d, f"{carry}, to within {WITHIN}", f"{said}blocks ({over_random})."


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


def _specific(found: "Transfer", drops: dict[int, Gap], carried: int) -> tuple[int | None, str]:
    """Where frozen first falls below fine-tuned, and as a sentence: among the deeper cuts it is searched for."""
    first = found.depths[1]
    searched = {d: drop if d == first else drop.among(len(drops) - 1) for d, drop in drops.items()}
    at = next((d for d, drop in searched.items() if drop.below), None)
    if at is None:
        d = min(drops, key=lambda d: (drops[d].value, -d))
        lowest = f"frozen is lowest against fine-tuned with {first_blocks(found, d)}"
        if all(drop.small for drop in drops.values()):
            return None, f"Blocks become specific nowhere, to within {WITHIN}: {lowest} ({drops[d]})."
        hope = f"; {searched[d].needed()} would tell a difference of that size" if drops[d].value < 0 else ""
        few = f"{found.n:,} images and {found.seeds} seed{'s' * (found.seeds > 1)} show no place"
        return (
            None,
            f"It cannot be told where blocks become specific, if anywhere: {few}; {lowest} ({searched[d]}){hope}.",
        )
    before, names = found.depths[found.depths.index(at) - 1], list(found.blocks)
    where = f"in block {at} ({names[at - 1]})"
    if at - before > 1:
        where = f"in blocks {before + 1} to {at} ({names[before]} to {names[at - 1]})"
    said = f"Blocks become specific {where}: frozen up to there, accuracy is below fine-tuned ({searched[at]})"
    if at <= carried:
        said += f", though by less than {WITHIN} up to block {carried}"
    again = [d for d in drops if d > at and not drops[d].below and drops[d].small]
    if again:
        said += f"; not so with {first_blocks(found, again[-1])} frozen: at some cuts neighbours that were trained "
        said += "together miss each other"
    return at, f"{said}."


def _are(depth: int) -> str:
    return "is" if depth == 1 else "are"


def _capital(words: str) -> str:
    return words[0].upper() + words[1:]
