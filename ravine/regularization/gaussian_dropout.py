"""Gaussian dropout: dropout's mean and variance, without zeros.

Srivastava et al., "Dropout: A Simple Way to Prevent Neural Networks from Overfitting", JMLR 2014, section 10.
"""

from math import sqrt

import torch
from torch import Tensor

from ravine.regularization.noise import Noise


class GaussianDropout(Noise):
    """Each element of x on its own is multiplied by a normal number, in training.

        r ~ N(1, p / (1 - p));   y = r x

    p / (1 - p) is the variance of what `Dropout(p)` multiplies by.
    """

    def noise(self, x: Tensor) -> Tensor:
        return torch.empty_like(x).normal_(1, sqrt(self.p / (1 - self.p)), generator=self.generator)
