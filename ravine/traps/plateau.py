"""A plateau: training loss stands still, high above 0, with a good part of the training to come.

    over the last w epochs it changed by less than 2% and was never 2% lower than before them, w = max(5, a fifth of the
    planned epochs); it is above a quarter of guessing's loss; and 15% of the planned epochs are left

Near the end of a schedule the loss stands still by intention, so nothing is said there.
"""

from ravine.traps.curves import Curves
from ravine.traps.remedies import lr_find
from ravine.traps.trap import Facts, Trap

_EPOCHS, _WINDOW, _FALL, _HIGH, _LEFT = 5, 0.2, 0.02, 0.25, 0.15
_FALLING = ("cosine", "linear", "one_cycle", "inverse_sqrt", "plateau")


def plateau(c: Curves, facts: Facts) -> Trap | None:
    loss, lr = c["train/loss"], c["lr"]
    window = max(_EPOCHS, round(_WINDOW * facts.epochs))
    if len(c) <= window or (facts.epochs and len(c) > (1 - _LEFT) * facts.epochs):
        return None
    before, last = loss[:-window], loss[-window:]
    high = _HIGH * (float(loss[0]) if facts.softened else facts.chance)
    still = abs(last[-1] - before[-1]) < _FALL * before[-1] and last.min() >= (1 - _FALL) * before.min()
    if not (still and last[-1] > high):
        return None
    rate = f", at a rate of {lr[-1]:.2g}" if lr[-1] > 0 else ""
    evidence = f"training loss is {last[-1]:.4g} and was {before[-1]:.4g} {window} epochs ago{rate}"
    falls = facts.used("schedule").startswith(_FALLING)
    return Trap("plateau", c.epoch, evidence, lr_find(facts) if falls else "--schedule cosine")
