"""A learning rate that is too high, or too low.

    too high   training loss at 1.15 log(classes) or more, twice in a row and not falling, after 100 steps; or from 1.15
               log(classes) it grew by a fifth; or
               validation loss at 2 log(classes), twice in a row, while training loss, above half of that of guessing,
               does not fall either; or
               a quarter of the units dead, and a tenth of all died since the first epoch, or validation loss once was
               at 2 log(classes): steps so long that units never come back
    too low    in the first three epochs both losses fall at every epoch, but training loss by less than 3% of
               log(classes) to this day, and the gradient's length has changed by less than a tenth: it goes the right
               way, and gets nowhere

log(classes) is the loss of guessing. A first epoch may begin above it (a random head, dropout), and batch norm's first
statistics may be off: hence twice in a row, and not falling. A rate that still warms up is not judged: it has to have
reached half its peak, or a quarter of the training to be over. (Smith 2017, "Cyclical Learning Rates for Training
Neural Networks", for what `ravine lr-find` then does)
"""

from math import log

import numpy as np

from ravine.traps.curves import Curves
from ravine.traps.remedies import lr_find
from ravine.traps.trap import Facts, Trap

_ABOVE, _FAR_ABOVE = 1.15, 2.0  # times the loss of guessing
_GREW, _FALLS = 1.2, 0.95  # times the loss of the epoch before
_DEAD, _DIED = 0.25, 0.1
_EPOCHS, _STEPS, _FALL, _SAME_NORM = 3, 100, 0.03, 1.1


def rate_too_high(c: Curves, facts: Facts) -> Trap | None:
    if len(c) < 2:
        return None
    loss, val, dead, guess = c["train/loss"], c["val/loss"], c["dead_units"], log(max(facts.classes, 2))
    grew, falls = loss[-1] > _GREW * loss[-2], loss[-1] < _FALLS * loss[-2]
    settled = not facts.steps or facts.steps * len(c) >= _STEPS
    above = loss[-2:].min() >= _ABOVE * (loss[0] if facts.softened else guess)
    rate = f" at a rate up to {facts.lr:g}" if facts.lr else ""
    if above and (grew or (settled and not falls)):
        evidence = f"training loss went from {loss[-2]:.3g} to {loss[-1]:.3g}{rate}; guessing has {guess:.3g}"
    elif val[-2:].min() >= _FAR_ABOVE * guess and loss[-1] >= max(loss[-2], guess / 2):
        evidence = (
            f"validation loss is {val[-1]:.3g}{rate}, and training loss rose from {loss[-2]:.3g} to {loss[-1]:.3g}"
        )
    elif dead[-1] >= _DEAD and dead[-1] - dead[0] >= _DIED:
        evidence = f"{dead[-1]:.0%} of the units are dead{rate}, {dead[0]:.0%} were after epoch {c['epoch'][0]:.0f}"
    elif dead[-1] >= _DEAD and val.max() >= _FAR_ABOVE * guess:
        evidence = f"{dead[-1]:.0%} of the units are dead{rate}, and validation loss was up to {val.max():.3g}"
    else:
        return None
    return Trap("rate too high", c.epoch, evidence, lr_find(facts))


def rate_too_low(c: Curves, facts: Facts) -> Trap | None:
    loss, val, norm, lr = c["train/loss"], c["val/loss"], c["grad_norm"], c["lr"]
    warm = facts.lr is not None and lr[-1] >= facts.lr / 2
    early = len(c) < _EPOCHS or (facts.steps and facts.steps * len(c) < _STEPS)
    if early or not (warm or len(c) >= facts.epochs / 4):
        return None
    first = slice(0, _EPOCHS)  # later on a schedule may have lowered the rate by intention
    falling = (np.diff(loss[first]) < 0).all() and (np.diff(val[first]) < 0).all()
    fell = loss[0] - loss.min()
    steady = norm.max() <= _SAME_NORM * norm.min()
    if not (falling and steady and fell < _FALL * facts.chance and loss[-1] > facts.chance / 2):
        return None
    rate = f" at a rate up to {facts.lr:g}" if facts.lr else ""
    evidence = (
        f"training loss falls at every epoch{rate}, but only by {fell:.1g} from {loss[0]:.4g} in {len(c)} epochs, "
        f"and the gradient's norm stays at {norm[-1]:.2g}"
    )
    return Trap("rate too low", c.epoch, evidence, lr_find(facts))
