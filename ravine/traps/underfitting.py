"""Underfitting: not even the training images are learned, and more of the same would not change it.

    at the end of ten planned epochs or more: accuracy on training images below 0.7 and at most 5 points above that on
    validation; and in the second half of the training the loss fell by less than 15%

A short training that is still falling is none: it wants more epochs, which its curve shows.
"""

from ravine.traps.capacity import more_capacity
from ravine.traps.curves import Curves
from ravine.traps.trap import Facts, Trap

_EPOCHS, _ACCURACY, _GAP, _FALL = 10, 0.7, 0.05, 0.15


def underfitting(c: Curves, facts: Facts) -> Trap | None:
    loss, learned, held_out = c["train/loss"], c.learned, c["val/accuracy"]
    if len(c) < max(_EPOCHS, facts.epochs):
        return None
    half = len(c) // 2
    fell = 1 - loss[-1] / loss[half - 1]
    if not (learned[-1] < _ACCURACY and learned[-1] - held_out[-1] <= _GAP and fell < _FALL):
        return None
    evidence = (
        f"only {learned[-1]:.1%} of the training images are learned, {held_out[-1]:.1%} of validation, and the last "
        f"{len(c) - half} epochs brought the loss from {loss[half - 1]:.3g} to {loss[-1]:.3g}"
    )
    # less that holds the network back, else more of it
    remedy = "--regularize none" if facts.used("regularize") else more_capacity(facts, len(c))
    return Trap("underfitting", c.epoch, evidence, remedy)
