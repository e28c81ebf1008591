"""Stochastic depth: the network is trained as many shallower ones, used as the deep one.

Huang, Sun, Liu, Sedra and Weinberger, "Deep Networks with Stochastic Depth", ECCV 2016.
"""

from torch import Tensor

from ravine.regularization.noise import Noise


class StochasticDepth(Noise):
    """The residual branch of each image is dropped with probability p, in training; x is what the branch computed.

        block(z) = shortcut(z) + y,    x = branch(z)
        r[b] ~ Bernoulli(1 - p);   y[b] = r[b] x[b] / (1 - p)

    Per image, as timm and torchvision have it; the paper drops a block for the whole batch, and multiplies the branch
    by its survival probability in evaluation where this divides in training. 1 - p is the paper's survival probability.
    """

    def noise(self, x: Tensor) -> Tensor:
        return self.kept(x.new_empty(x.shape[0], *[1] * (x.dim() - 1)))


def linear_decay(p: float, blocks: int) -> list[float]:
    """The paper's rule: early blocks, on which all others build, are dropped rarely, the last one with probability p.

        p_l = p l / L,    l = 1 .. L

    timm's rule starts at 0 instead: p (l - 1) / (L - 1).

        >>> linear_decay(0.2, 4)
        [0.05, 0.1, 0.15000000000000002, 0.2]
    """
    return [p * block / blocks for block in range(1, blocks + 1)]
