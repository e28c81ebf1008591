"""Overfitting: the training images are learned better and better, new ones worse and worse.

    validation loss, over the last three epochs, at least 20% and 0.05 of guessing's loss above its lowest, which it had
    before them; training loss below what it was then; and accuracy on training images 5 points and two standard errors
    above that on validation: the loss of a handful of images is that of its worst

    or validation loss has not been lower for ten epochs and half of the training, training loss is a tenth of it or
    less, and 15 points and three standard errors lie between the two accuracies: learned by heart, and nothing since

A gap between the two accuracies alone is no trap: few images always leave one. That validation loss grows is: it says
that the network is ever more sure of its mistakes, and that the best weights are past.
"""

from math import sqrt

from ravine.traps.curves import Curves
from ravine.traps.remedies import more_of
from ravine.traps.trap import Facts, Trap

_EPOCHS, _RISE, _SHARE, _GAP = 3, 1.2, 0.05, 0.05
_LONG, _BY_HEART, _WIDE = 10, 0.1, 0.15


def overfitting(c: Curves, facts: Facts) -> Trap | None:
    val, loss = c["val/loss"], c["train/loss"]
    if len(c) <= _EPOCHS or not (val == val).all():
        return None
    best = int(val.argmin())
    worse = max(_RISE * val[best], val[best] + _SHARE * facts.chance)
    learned, held_out = float(c.learned[-1]), float(c["val/accuracy"][-1])
    error = sqrt(held_out * (1 - held_out) / facts.val) if facts.val else 0.0
    rises = val[-_EPOCHS:].min() >= worse and learned - held_out >= max(_GAP, 2 * error)
    past = len(c) - 1 - best >= max(_LONG, len(c) / 2)
    by_heart = past and loss[-1] <= _BY_HEART * val[-1] and learned - held_out >= max(_WIDE, 3 * error)
    if not (loss[-1] < loss[best] and (rises or by_heart)):
        return None
    evidence = (
        f"validation loss was lowest, {val[best]:.3g}, after epoch {c['epoch'][best]:.0f} and is {val[-1]:.3g}, while "
        f"training loss fell from {loss[best]:.3g} to {loss[-1]:.3g}; accuracy {learned:.1%} on training images, "
        f"{held_out:.1%} on validation"
    )
    return Trap("overfitting", c.epoch, evidence, _remedy(facts, int(c["epoch"][best])))


def _remedy(facts: Facts, best: int) -> str:
    """What is not used yet; at last to stop when it gets worse, or no later than after the `best` epoch."""
    if "dropout" not in facts.used("regularize"):
        return more_of(facts, "regularize", "dropout(0.5)")
    if facts.images and not facts.used("augment"):
        return "--augment light"
    return f"--epochs {best}" if facts.used("patience") else "--patience 5"
