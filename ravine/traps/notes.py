"""What looks like a trap and is none, each in one sentence."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ravine.traps.curves import Curves
from ravine.traps.trap import Facts

_ABOVE, _LONG = 0.02, 10
_NOISES = ("drop", "depth", "noise")


def notes(rows: Sequence[Mapping[str, Any]], facts: Facts) -> tuple[str, ...]:
    """Sentences on a training so far: validation above training, and a best epoch long ago.

    Args:
        rows: one an epoch, as in metrics.jsonl.
        facts: what is known of the training; why validation is above training is only said where it says so.
    """
    if not rows or facts.sweep:
        return ()
    c = Curves.of(rows)
    return tuple(sentence for sentence in (_easier(c, facts), _long_ago(c)) if sentence)


def _easier(c: Curves, facts: Facts) -> str:
    """Training images are made harder, by augmentation or by dropout."""
    seen, held_out, clean = c["train/accuracy"][-1], c["val/accuracy"][-1], c["train/clean_accuracy"][-1]
    noisy = any(noise in facts.used("regularize") for noise in _NOISES)
    reasons = {"its images are augmented": facts.used("augment"), "the network is disturbed there": noisy}
    why = " and ".join(words for words, holds in reasons.items() if holds)
    if not (why and held_out - seen >= _ABOVE):
        return ""
    undisturbed = f"; without that it has {clean:.1%}" if clean == clean else ""
    return f"accuracy in training ({seen:.1%}) is below that on validation ({held_out:.1%}) since {why}{undisturbed}"


def _long_ago(c: Curves) -> str:
    """Nothing better came in the second half of the training."""
    accuracy = c["val/accuracy"]
    if len(c) < 2 * _LONG or np.isnan(accuracy).all():
        return ""
    best = int(np.nanargmax(accuracy))
    if len(c) - 1 - best < max(_LONG, len(c) / 2):
        return ""
    ago = len(c) - 1 - best
    return f"the best validation accuracy, {accuracy[best]:.1%}, was {ago} epochs ago: --epochs {best + 1} may do too"
