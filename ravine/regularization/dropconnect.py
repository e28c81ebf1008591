"""DropConnect: connections are dropped, where dropout drops units.

Wan, Zeiler, Zhang, LeCun and Fergus, "Regularization of Neural Networks using DropConnect", ICML 2013.
"""

import torch
from torch import Tensor

from ravine.regularization.noise import Noise


class DropConnect(Noise):
    """Each weight on its own is dropped with probability p, in training. Its input is the weights, not activations.

        M ~ Bernoulli(1 - p);   y = (M W / (1 - p)) x + b

    One mask for all images of a batch, as most implementations have it; the paper draws one per image, and samples from
    a normal distribution in evaluation, where here the whole weights are used. Biases are not dropped.

    On a layer of your own with torch's own means, or, where parameter names have to stay, with ours:

        >>> layer = torch.nn.Linear(8, 4)
        >>> _ = torch.nn.utils.parametrize.register_parametrization(layer, "weight", DropConnect(0.5))
        >>> from ravine.regularization import on_weight
        >>> on_weight(torch.nn.Linear(8, 4), DropConnect(0.5))
    """

    def noise(self, x: Tensor) -> Tensor:
        return self.kept(torch.empty_like(x))
