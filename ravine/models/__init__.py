"""The networks by name, and the choice of one where the user makes none.

Each is called with `in_shape` ((C, H, W) or (F,), without the batch) and `classes`, plus the user's settings, and
returns a module that maps float32 [B, *in_shape] to logits [B, classes]. Initial weights are drawn from torch's global
generator.
"""

from collections.abc import Callable

from torch import nn

from ravine.models.convnet import convnet
from ravine.models.mlp import mlp
from ravine.models.quicknet import quicknet, suits_quicknet
from ravine.models.resnet import resnet
from ravine.models.resnet_cifar import resnet20, resnet32, resnet44, resnet56, resnet110
from ravine.models.squeeze_excitation import SqueezeExcitation
from ravine.models.timm_door import timm_network
from ravine.models.timm_weights import timm_weights
from ravine.models.whitening import Whitening
from ravine.spec import Spec

__all__ = [
    "MADE_FOR",
    "MODELS",
    "SqueezeExcitation",
    "Whitening",
    "auto",
    "auto_reason",
    "convnet",
    "mlp",
    "quicknet",
    "resnet",
    "resnet20",
    "resnet32",
    "resnet44",
    "resnet56",
    "resnet110",
    "suits_quicknet",
    "timm_network",
    "timm_weights",
]

MODELS: dict[str, Callable[..., nn.Module]] = {"mlp": mlp, "convnet": convnet, "quicknet": quicknet, "resnet": resnet}
MODELS |= {"resnet20": resnet20, "resnet32": resnet32, "resnet44": resnet44, "resnet56": resnet56}
MODELS |= {"resnet110": resnet110, "timm": timm_network}
# Pixels a side, where weights of others can hardly have been trained at anything else
MADE_FOR: dict[str, int] = {name: 32 for name in ("resnet20", "resnet32", "resnet44", "resnet56", "resnet110")}


def auto(in_shape: tuple[int, ...]) -> Spec:
    """The model for data of this shape: mlp for features (F,), convnet for images (C, H, W)."""
    return Spec("convnet" if len(in_shape) == 3 else "mlp")


def auto_reason(in_shape: tuple[int, ...]) -> str:
    """Why `auto` chose so, for the console."""
    if len(in_shape) == 3:
        return "images: a convolutional network uses which pixels are neighbours"
    return "feature arrays: no neighbourhood for convolutions to use"
