"""Gradients that explode, or that do not reach the first layers.

    exploding   the mean length of the gradient is 10 or more, and 20 times its median over the epochs before
    vanishing   a weight of the first layer gets less than a thousandth of the gradient of one in the hidden layer that
                gets most, for three epochs in a row

In healthy trainings the length was 0.002 to 7, and the share 0.1 to 1 in networks of up to 110 layers: a wide margin in
both. Where gradients are clipped already, an outburst is cured and not reported. (Pascanu et al. 2013, "On the
difficulty of training recurrent neural networks")
"""

import numpy as np

from ravine.traps.capacity import more_capacity
from ravine.traps.curves import Curves
from ravine.traps.remedies import lr_find
from ravine.traps.trap import Facts, Trap

_LONG, _TIMES = 10.0, 20.0
_SHARE, _EPOCHS = 1e-3, 3


def exploding(c: Curves, facts: Facts) -> Trap | None:
    norm = c["grad_norm"]
    if len(c) < 2 or facts.used("clip"):
        return None
    before = float(np.median(norm[:-1]))
    if not (norm[-1] >= _LONG and norm[-1] >= _TIMES * before):
        return None
    evidence = f"the gradient's mean norm is {norm[-1]:.3g}; before it was {before:.3g}"
    return Trap("exploding gradients", c.epoch, evidence, "--clip 1")


def vanishing(c: Curves, facts: Facts) -> Trap | None:
    flow = c["gradient_flow"]
    if len(c) < _EPOCHS or not (flow[-_EPOCHS:] <= _SHARE).all():
        return None
    evidence = f"a weight of the first layer gets {flow[-1]:.1g} of the gradient that one in another hidden layer gets"
    return Trap("vanishing gradients", c.epoch, evidence, _remedy(facts, len(c)))


def _remedy(facts: Facts, epochs: int) -> str:
    """A network that lets gradients through, unless it is one."""
    if facts.used("pretrained"):
        return more_capacity(facts, epochs)
    better = "resnet" if facts.images else "mlp"
    shallow = facts.used("model") in ("mlp", "mlp(hidden=[256, 256])") and not facts.images
    return lr_find(facts) if shallow or facts.used("model").startswith("resnet") else f"--model {better}"
