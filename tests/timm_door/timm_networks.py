"""timm's networks as ravine builds them, small arrays to train them on, and settings of a training of two steps."""

import numpy as np
import torch

from ravine import draws
from ravine.models import MODELS
from ravine.spec import build, parse

# The ways in which timm's networks differ: plain residual blocks, bottlenecks, a transformer, inverted residuals with
# two different ends, and stages whose blocks are hidden inside
NAMES = ("resnet18", "resnet50", "vit_tiny_patch16_224", "efficientnet_b0", "convnext_atto", "mobilenetv3_small_100")
TWO_STEPS = {"epochs": 2, "batch": 16, "val": 0.5, "augment": "none", "device": "cpu", "quiet": True}


def network(name, in_shape=(3, 32, 32), classes=3, seed=0):
    with draws.seeded(seed, 0, "init"):
        return build(parse(f'timm("{name}")'), MODELS, in_shape=in_shape, classes=classes)


def arrays(n=32, side=32, classes=("bee", "fly", "wasp")):
    """Images whose brightness tells the class, with noise."""
    rng = np.random.default_rng(0)
    y = np.arange(n) % len(classes)
    x = rng.integers(0, 60, (n, side, side, 3)) + 60 * y[:, None, None, None]
    return {"x": x.astype(np.uint8), "y": y, "classes": np.array(classes)}


def batch(*shape, seed=0):
    return torch.randn(*shape, generator=draws.generator(seed, 0, "batch"))
