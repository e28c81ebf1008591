"""Chapter 3b: augmentation, by the batch and on the device; draws are numbers that can be replayed."""

from ravine.augmentation.flip import Flip
from ravine.augmentation.pipeline import Pipeline
from ravine.augmentation.translate import Translate

AUGMENTATIONS = {"flip": Flip, "translate": Translate}

__all__ = ["AUGMENTATIONS", "Flip", "Pipeline", "Translate"]
