"""Chapter 3a: regularization. Less freedom or more noise in training, so that what is learned holds on new images."""

from collections.abc import Callable

from ravine.regularization.attaching import after, before, on_weight
from ravine.regularization.dropconnect import DropConnect
from ravine.regularization.dropout import Dropout
from ravine.regularization.elastic import elastic
from ravine.regularization.gaussian_dropout import GaussianDropout
from ravine.regularization.insertions import INSERTIONS, insert
from ravine.regularization.l1 import l1, soft_threshold
from ravine.regularization.l2 import l2
from ravine.regularization.l2_sp import l2_sp
from ravine.regularization.label_smoothing import label_smoothing
from ravine.regularization.masks import weights_only
from ravine.regularization.max_norm import max_norm, shorten_units
from ravine.regularization.noise import Noise
from ravine.regularization.penalty import Penalty, penalize
from ravine.regularization.spatial_dropout import SpatialDropout
from ravine.regularization.stochastic_depth import StochasticDepth, linear_decay
from ravine.regularization.weight_noise import weight_noise

NOISES: dict[str, type[Noise]] = {
    "dropout": Dropout,
    "spatial_dropout": SpatialDropout,
    "gaussian_dropout": GaussianDropout,
    "dropconnect": DropConnect,
    "stochastic_depth": StochasticDepth,
}
PENALTIES: dict[str, Callable[..., Penalty]] = {"l1": l1, "l2": l2, "elastic": elastic}

__all__ = [
    "INSERTIONS",
    "NOISES",
    "PENALTIES",
    "DropConnect",
    "Dropout",
    "GaussianDropout",
    "Noise",
    "Penalty",
    "SpatialDropout",
    "StochasticDepth",
    "after",
    "before",
    "elastic",
    "insert",
    "l1",
    "l2",
    "l2_sp",
    "label_smoothing",
    "linear_decay",
    "max_norm",
    "on_weight",
    "penalize",
    "shorten_units",
    "soft_threshold",
    "weight_noise",
    "weights_only",
]
