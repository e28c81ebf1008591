"""Chapter 3b: augmentation, by the batch and on the device; draws are numbers that can be replayed."""

from collections.abc import Callable

from ravine.augmentation.blur import Blur
from ravine.augmentation.crop import Crop
from ravine.augmentation.cutmix import Cutmix
from ravine.augmentation.edge import Edge
from ravine.augmentation.erase import Cutout, Erase
from ravine.augmentation.flip import Flip, FlipVertical
from ravine.augmentation.flip_alternating import FlipAlternating
from ravine.augmentation.grayscale import Grayscale
from ravine.augmentation.jitter import Jitter
from ravine.augmentation.mixup import Mixup
from ravine.augmentation.noise import Noise
from ravine.augmentation.part import Colour, Geometric, Mixing, Part, Pixelwise
from ravine.augmentation.perspective import Perspective
from ravine.augmentation.pipeline import Pipeline
from ravine.augmentation.presets import PRESETS, expanded
from ravine.augmentation.presets import parts as _parts
from ravine.augmentation.randaugment import RandAugment
from ravine.augmentation.resized_crop import ResizedCrop
from ravine.augmentation.rotate import Rotate
from ravine.augmentation.scale import Scale
from ravine.augmentation.shear import Shear
from ravine.augmentation.translate import Translate
from ravine.augmentation.trivialaugment import TrivialAugment
from ravine.augmentation.views import views

# name in --augment -> the part
AUGMENTATIONS: dict[str, Callable[..., Part]] = {
    "flip": Flip,
    "flip_vertical": FlipVertical,
    "flip_alternating": FlipAlternating,
    "translate": Translate,
    "crop": Crop,
    "resized_crop": ResizedCrop,
    "rotate": Rotate,
    "scale": Scale,
    "shear": Shear,
    "perspective": Perspective,
    "jitter": Jitter,
    "grayscale": Grayscale,
    "blur": Blur,
    "noise": Noise,
    "erase": Erase,
    "cutout": Cutout,
    "mixup": Mixup,
    "cutmix": Cutmix,
    "randaugment": RandAugment,
    "trivialaugment": TrivialAugment,
    "edge": Edge,
}


def parse(text: str, shape: tuple[int, ...], flag: str = "--augment") -> list[Part]:
    """The parts that a text such as `"flip, rotate(15)"` or `"standard"` names for images of shape (C, H, W).

    Raises:
        UsageError: an unknown name or setting, a value out of range; says what there is.
    """
    return _parts(text, shape, AUGMENTATIONS, flag)


__all__ = [
    "AUGMENTATIONS",
    "PRESETS",
    "Blur",
    "Colour",
    "Crop",
    "Cutmix",
    "Cutout",
    "Edge",
    "Erase",
    "Flip",
    "FlipAlternating",
    "FlipVertical",
    "Geometric",
    "Grayscale",
    "Jitter",
    "Mixing",
    "Mixup",
    "Noise",
    "Part",
    "Perspective",
    "Pipeline",
    "Pixelwise",
    "RandAugment",
    "ResizedCrop",
    "Rotate",
    "Scale",
    "Shear",
    "Translate",
    "TrivialAugment",
    "expanded",
    "parse",
    "views",
]
