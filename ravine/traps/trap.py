"""A trap that a training is in, and what has to be known of a training to see one."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from math import log


@dataclass(frozen=True)
class Trap:
    """What went wrong, and one thing to do about it.

    Attributes:
        name: a short one that stays the same: "overfitting".
        epoch: the first one, from 1, after which it could be seen.
        evidence: a sentence with the numbers that show it.
        remedy: a flag or a command of ravine, as one types it: `--clip 1`, `ravine lr-find digits`.
    """

    name: str
    epoch: int
    evidence: str
    remedy: str

    def __str__(self) -> str:
        return f"{self.name}: {self.evidence}. Try {self.remedy}"


@dataclass(frozen=True)
class Facts:
    """What is known of a training beside its numbers; all but `classes` may be left out.

    Attributes:
        classes: how many there are.
        counts: training images by class, {} where unknown.
        val, test: how many images judge; 0 where unknown, or none.
        epochs: how many are planned; 0 where unknown.
        steps: optimizer steps an epoch; 0 where unknown.
        lr: the learning rate at its highest; None where unknown.
        recipe: settings under the names of ravine's flags, as text ("clip": "1.0", "augment": "flip"); those that are
            missing count as not used. A remedy adds to what is used already.
        data: what was trained on, as a command names it.
        copies: how many images are in two splits alike, {"train and val": 30}. "train" alone: copies among the images
            that validation was cut from, so that they lie on both sides.
        softened: what is learned are not plain labels (smoothed, mixed, a teacher's): training loss has another scale.
        images: whether the examples are images, which can be augmented; else features.
        photos: whether these are in colour and of 64 px and more, as pretrained networks have seen.
        sweep: the members differ in their settings, so their mean says nothing of a training.
    """

    classes: int
    counts: Mapping[str, int] = field(default_factory=dict)
    val: int = 0
    test: int = 0
    epochs: int = 0
    steps: int = 0
    lr: float | None = None
    recipe: Mapping[str, str] = field(default_factory=dict)
    data: str = "DATA"
    copies: Mapping[str, int] = field(default_factory=dict)
    softened: bool = False
    images: bool = True
    photos: bool = False
    sweep: bool = False

    @property
    def chance(self) -> float:
        """The loss of guessing by the classes' shares alone, in nats: -sum p log p, at most the logarithm of `classes`.

        That of equal shares where they are unknown, or where training makes them equal (`balance`).
        """
        total = sum(self.counts.values())
        if not total or self.used("balance"):
            return log(max(self.classes, 2))
        return -sum(n / total * log(n / total) for n in self.counts.values() if n)

    @property
    def majority(self) -> float:
        """The accuracy of always naming the most frequent class."""
        total = sum(self.counts.values())
        return max(self.counts.values()) / total if total else 1 / max(self.classes, 2)

    def used(self, flag: str) -> str:
        """What a setting is, "" where it is not used."""
        value = self.recipe.get(flag, "")
        return "" if value in ("none", "auto", "inf", "0", "0.0") else value
