"""Unequal classes that are paid for: rare ones are not recognised, and accuracy does not show it.

    the largest class has more than 5 times the images of the smallest, nothing balances them, and for two epochs in a
    row accuracy on validation is 10 points or more above the mean recall over the classes

Unequal classes alone are no trap, and the data check names them; easy ones are learned all the same. Asked from the
third epoch and a fifth of the training on.
"""

from ravine.errors import listed
from ravine.traps.curves import Curves
from ravine.traps.trap import Facts, Trap

_RATIO, _COST, _EPOCHS, _SHARE = 5.0, 0.1, 3, 0.2


def imbalance(c: Curves, facts: Facts) -> Trap | None:
    counts = {name: n for name, n in facts.counts.items() if n}
    if len(c) < max(_EPOCHS, _SHARE * facts.epochs) or len(counts) < 2 or facts.used("balance"):
        return None
    most, least = max(counts, key=counts.__getitem__), min(counts, key=counts.__getitem__)
    accuracy, balanced = c["val/accuracy"], c.balanced
    if counts[most] <= _RATIO * counts[least] or not (accuracy - balanced)[-2:].min() >= _COST:
        return None
    evidence = (
        f"validation accuracy is {accuracy[-1]:.1%}, but the mean recall over the classes {balanced[-1]:.1%}; "
        f"{listed([most])} has {counts[most]:,} training images, {listed([least])} {counts[least]:,}"
    )
    return Trap("class imbalance", c.epoch, evidence, "--balance loss")
