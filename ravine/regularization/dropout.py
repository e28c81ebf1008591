"""Dropout: no unit can rely on the presence of another.

Srivastava, Hinton, Krizhevsky, Sutskever and Salakhutdinov, "Dropout: A Simple Way to Prevent Neural Networks from
Overfitting", JMLR 2014.
"""

import torch
from torch import Tensor

from ravine.regularization.noise import Noise


class Dropout(Noise):
    """Each element of x on its own is dropped with probability p, in training.

        r ~ Bernoulli(1 - p);   y = r x / (1 - p)

    Inverted: the paper multiplies by 1 - p in evaluation instead. On a CPU, with equal seeds, the numbers are those of
    `torch.nn.Dropout`, bit for bit; new is `generator`, and that p = 1 is refused.

        >>> layer = Dropout(0.5, generator=torch.Generator().manual_seed(0))
        >>> layer(torch.ones(6)).tolist()
        [2.0, 0.0, 2.0, 2.0, 2.0, 0.0]

    Not directly before batch norm: see docs/regularization.md.
    """

    def noise(self, x: Tensor) -> Tensor:
        return self.kept(torch.empty_like(x))
