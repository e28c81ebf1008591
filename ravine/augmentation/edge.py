"""What is seen beyond the edge of an image that was moved."""

from ravine.augmentation.checks import one_of
from ravine.augmentation.part import Part
from ravine.augmentation.resample import EDGES


class Edge(Part):
    """Sets for the whole pipeline what is seen beyond the edge; draws nothing and stands anywhere among the parts.

    Args:
        mode: reflect (the mirror image, about the middle of the outermost pixels), repeat (the outermost pixel again
            and again) or black (zero; with float images 0, whatever that means there).
    """

    def __init__(self, mode: str = "reflect"):
        self.mode = one_of("edge", "mode", mode, EDGES)
