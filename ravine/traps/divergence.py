"""Divergence: what had been learned is lost again.

    training loss had been below 0.8 of guessing's, and is above 0.95 of it for two epochs in a row;
    or it is no number any more; or members froze since theirs is none

A schedule with restarts, or a rate that grows, lets the loss rise for a while, but never back to guessing.
"""

from math import isfinite

from ravine.traps.curves import Curves
from ravine.traps.remedies import lr_find
from ravine.traps.trap import Facts, Trap

_LEARNED, _LOST = 0.8, 0.95


def divergence(c: Curves, facts: Facts) -> Trap | None:
    loss = c["train/loss"]
    guess = float(loss[0]) if facts.softened else facts.chance
    remedy = lr_find(facts) if facts.used("clip") else "--clip 1"
    if "train/loss" in c and not isfinite(loss[-1]):
        return Trap("divergence", c.epoch, "training loss is no number any more", remedy)
    if c["frozen"][-1] >= 1:
        lost = int(c["frozen"][-1])
        evidence = f"{lost} member{'s' if lost > 1 else ''} stopped at a loss or gradient that is no number"
        return Trap("divergence", c.epoch, evidence, remedy)
    if len(c) < 3 or not (loss[:-2].min() < _LEARNED * guess and loss[-2:].min() > _LOST * guess):
        return None
    best = int(loss.argmin())
    evidence = f"training loss was {loss[best]:.3g} after epoch {c['epoch'][best]:.0f} and is {loss[-1]:.3g} now"
    return Trap("divergence", c.epoch, evidence, remedy)
