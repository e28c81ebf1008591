"""Dead units: half of the network or more says the same of every image.

    dead units  >= 0.5 for two epochs in a row

What is dead gets no gradient and stays so. In healthy trainings with batch norm there was none, in those of plain ReLU
networks up to a sixth. Where a rate too high killed them, that is what is said.
"""

from ravine.traps.curves import Curves
from ravine.traps.remedies import lr_find
from ravine.traps.trap import Facts, Trap

_SHARE = 0.5


def dead(c: Curves, facts: Facts) -> Trap | None:
    share = c["dead_units"]
    if len(c) < 2 or not share[-2:].min() >= _SHARE:
        return None
    evidence = f"{share[-1]:.0%} of the units give one and the same number for every image, and get no gradient"
    taken = facts.used("pretrained") and facts.recipe.get("keep") != "none"
    remedy = "--keep none" if taken else lr_find(facts)
    return Trap("dead units", c.epoch, evidence, remedy)
