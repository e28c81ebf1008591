"""No better than chance: what is learned says nothing of new images.

    best validation loss  >= 0.99 H(classes)    and    best validation accuracy  <= p + 3 sqrt(p (1 - p) / n)

H is the entropy of the classes' shares, the loss of a network that knows nothing else, and p the largest share, its
accuracy; three standard errors, since the best of several epochs is chosen. Asked from the third epoch on, after 100
steps and half of the training: a warm-up is slow by intention, and a few hundred photos need a while. Random labels and
images that do not go with their labels end here; so does any other trap that stops all learning, and where one of
those is found, this is not said.
"""

import shlex
from math import sqrt

import numpy as np

from ravine.traps.curves import Curves
from ravine.traps.remedies import lr_find
from ravine.traps.trap import Facts, Trap

_EPOCHS, _STEPS, _SHARE = 3, 100, 0.5
_BY_HEART = 0.15  # accuracy on training images above chance


def chance(c: Curves, facts: Facts) -> Trap | None:
    loss, accuracy = c["val/loss"], c["val/accuracy"]
    early = len(c) < max(_EPOCHS, _SHARE * facts.epochs) or (facts.steps and facts.steps * len(c) < _STEPS)
    if early or np.isnan(loss).all() or np.isnan(accuracy).all():
        return None
    p = facts.majority
    best_loss, best = float(np.nanmin(loss)), float(np.nanmax(accuracy))
    spread = 3 * sqrt(p * (1 - p) / facts.val) if facts.val else 0.05
    if best_loss < 0.99 * facts.chance or best > p + spread:
        return None
    evidence = (
        f"after {len(c)} epochs the best validation accuracy is {best:.1%} and loss {best_loss:.3f}; "
        f"guessing has {p:.1%} and {facts.chance:.3f}"
    )
    learned = float(c.learned[-1])
    if learned > p + _BY_HEART:
        evidence += f", though {learned:.1%} of the training images are learned: labels that do not go with the images"
        return Trap("no better than chance", c.epoch, evidence, f"ravine check {shlex.quote(facts.data)}")
    return Trap("no better than chance", c.epoch, evidence, lr_find(facts))
