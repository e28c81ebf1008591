"""Spatial dropout: whole channels are dropped, since neighbouring pixels tell of each other.

Tompson, Goroshin, Jain, LeCun and Bregler, "Efficient Object Localization Using Convolutional Networks", CVPR 2015.
"""

from torch import Tensor

from ravine.errors import UsageError
from ravine.regularization.noise import Noise


class SpatialDropout(Noise):
    """Each channel of each image is dropped with probability p, in training; x is `[B, C, ...]`, such as (B, C, H, W).

        r[b, c] ~ Bernoulli(1 - p);   y[b, c, ...] = r[b, c] x[b, c, ...] / (1 - p)

    torch's `Dropout2d`, for any number of dimensions after the channels.

    Raises:
        UsageError: p out of range; in training, an input without dimensions after the channels.
    """

    def noise(self, x: Tensor) -> Tensor:
        if x.dim() < 3:
            what = f"an input of shape {tuple(x.shape)} has no pixels"
            raise UsageError(what, where="SpatialDropout", expected="[B, C, ...]", cure="Use Dropout for features.")
        return self.kept(x.new_empty(*x.shape[:2], *[1] * (x.dim() - 2)))
