"""What the masks of one network are worth: each alone, their average, the weight-scaling rule, a true ensemble."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from ravine.ensembles.answers import Answers
from ravine.ensembles.difference import Difference, difference
from ravine.ensembles.quality import Quality, quality
from ravine.ensembles.scores import log_losses
from ravine.ensembles.vote import vote


@dataclass(frozen=True)
class Rival:
    """A true ensemble: what its members say, `[K, N, classes]`, and the weights `[K]` of its vote (None for equal)."""

    name: str
    probabilities: np.ndarray
    weights: np.ndarray | None = None


@dataclass(frozen=True)
class Contender:
    """One way to predict.

    Attributes:
        passes: forward passes that a prediction costs.
        quality: accuracy with its interval, log loss, calibration.
        gain: its accuracy minus that of the weight-scaling rule, paired over images; None for that rule itself.
    """

    passes: int
    quality: Quality
    gain: Difference | None


@dataclass(frozen=True)
class MaskReport:
    """What `mask_report` found.

    Attributes:
        n: images.
        each: accuracies of the single masks, float64 `[masks]`.
        curve: accuracy of the average over the first 1, 2, ..., all masks, `[masks]`; `losses` their log loss.
        whole: the weight-scaling rule: the whole network with dropout off.
        averages: the average over the first 1, 2, 5, 10, ... and all masks.
        ensembles: true ensembles, which were trained several times.
        at_equal_cost: for each of them its accuracy minus that of as many masks, paired over images; None where
            there are not as many masks.
    """

    n: int
    each: np.ndarray
    curve: np.ndarray
    losses: np.ndarray
    whole: Contender
    averages: tuple[Contender, ...]
    ensembles: tuple[Contender, ...]
    at_equal_cost: tuple[Difference | None, ...]

    @property
    def spread(self) -> tuple[float, float, float]:
        """Standard deviation, smallest and largest accuracy of a single mask."""
        return float(self.each.std(ddof=min(1, len(self.each) - 1))), float(self.each.min()), float(self.each.max())

    def to_json(self) -> dict[str, Any]:
        """Plain numbers."""
        sd, least, most = self.spread
        return {
            "n": self.n,
            "each": {"accuracy": self.each.tolist(), "mean": float(self.each.mean())}
            | {"sd": sd, "min": least, "max": most},
            "curve": {"accuracy": self.curve.tolist(), "loss": self.losses.tolist()},
            "weight_scaling": _plain(self.whole),
            "averages": [_plain(one) for one in self.averages],
            "ensembles": [
                {**_plain(one), "over_masks_at_equal_cost": of and asdict(of)}
                for one, of in zip(self.ensembles, self.at_equal_cost, strict=True)
            ],
        }


def mask_report(masks: Answers, whole: Answers, rivals: Sequence[Rival] = ()) -> MaskReport:
    """Judges the masks of one network on images that nothing was chosen on, or on validation (which flatters all).

    Args:
        masks: what each mask says, `[masks, N, classes]`.
        whole: what the network says with dropout off, `[1, N, classes]`.
        rivals: true ensembles, on the same images, with classes in the same order.
    """
    labels, plain = masks.labels, whole.correct[0]
    running = np.cumsum(masks.probabilities, axis=0, dtype=np.float64)
    running /= np.arange(1, masks.members + 1)[:, None, None]

    def contender(name: str, passes: int, probabilities: np.ndarray) -> Contender:
        right = probabilities.argmax(1) == labels
        return Contender(passes, quality(name, probabilities, labels), difference(right, plain))

    averages = [contender(f"average of {m}", m, running[m - 1]) for m in sizes(masks.members)]
    true, equal = [], []
    for rival in rivals:
        passes, together = len(rival.probabilities), vote(rival.probabilities, rival.weights)
        true.append(contender(rival.name, passes, together))
        as_many = running[passes - 1].argmax(1) == labels if passes <= masks.members else None
        equal.append(None if as_many is None else difference(together.argmax(1) == labels, as_many))
    return MaskReport(
        n=len(labels),
        each=masks.correct.mean(1),
        curve=(running.argmax(2) == labels).mean(1),
        losses=log_losses(running, labels).mean(1),
        whole=Contender(1, quality("weight scaling", whole.vote, labels), None),
        averages=tuple(averages),
        ensembles=tuple(true),
        at_equal_cost=tuple(equal),
    )


def sizes(n: int) -> list[int]:
    """1, 2, 5, 10, 20, 50, ... below n, and n."""
    steps = [m * 10**power for power in range(len(str(n))) for m in (1, 2, 5)]
    return [*(m for m in steps if m < n), n]


def _plain(one: Contender) -> dict[str, Any]:
    return {"passes": one.passes, **one.quality.to_json(), "over_weight_scaling": one.gain and asdict(one.gain)}
