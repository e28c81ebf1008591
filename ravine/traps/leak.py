"""A leak: the same images in training and in what judges it, so that scores are too good.

    1% or more of the images that judge, or of those that they were cut from

The data check finds equal images; here it says what that does to this training.
"""

import shlex

from ravine.traps.curves import Curves
from ravine.traps.trap import Facts, Trap

_SHARE = 0.01


def leak(c: Curves, facts: Facts) -> Trap | None:
    pool = sum(facts.counts.values()) + facts.val
    for where, n in facts.copies.items():
        other, _, judge = where.partition(" and ")
        of = {"": pool, "val": facts.val, "test": facts.test}.get(judge, 0)
        if n < _SHARE * of:
            continue
        if not judge:
            evidence = f"{n:,} of {of:,} images are copies of others, and validation was cut from them"
        else:
            evidence = f"{n:,} of {of:,} images of {judge} are also in {other}"
        if judge != "test":
            evidence += f": the validation accuracy of {c['val/accuracy'][-1]:.1%} is too good"
        remedy = f"ravine check {shlex.quote(facts.data)}" if judge == "test" else "--folds 5"
        return Trap("leak", c.epoch, evidence, remedy)
    return None
