"""Alternating flip: every image is seen facing both ways, in turn."""

from ravine.augmentation.flip import Flip


class FlipAlternating(Flip):
    """Mirrors left to right every other epoch; which half of the images begins mirrored is drawn once.

        u_e = (u_0 + e / 2) mod 1,   mirrored where u_e < 1/2

    A random flip shows an image the same way round in two epochs running half of the time, and then teaches less new.
    The numbers come from `Pipeline.numbers(..., epoch=e)`, which knows the epoch.

    Source: Jordan, "94% on CIFAR-10 in 3.29 Seconds on a Single GPU", 2024 (airbench94).
    """

    alternates = True

    def __init__(self):
        super().__init__(0.5)
