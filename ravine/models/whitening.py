"""A first layer that is computed, not learned: small patches of the images, decorrelated and of equal variance.

Neighbouring pixels are nearly equal, so that the loss is steep along brightness and flat along detail: a ravine.
Filters that whiten the patches make all directions equally steep before the first step (Page, "How to train your
ResNet 8", 2019; Jordan, "94% on CIFAR-10 in 3.29 Seconds on a Single GPU", 2024).
"""

import torch
from torch import Tensor, nn
from torch.nn import functional as F


class Whitening(nn.Module):
    """Patches of p x p pixels by filters: `[B, C, H, W]` -> `[B, 2 keep, H - p + 1, W - p + 1]`.

        y = (W x, -W x) + b,     W = diag(1 / sqrt(s + eps)) U^T     with the patches' covariance  U diag(s) U^T

    Each filter comes with its negative, so that nothing is lost in the activation that follows; b brings ordinary
    patches to where that is bent and not yet flat. All of it is fixed, as buffers: saved with the network, and moved by
    no rule. Biases that are learned came no further, and the way back to them through the layer after this one, at the
    full size of the images, made a step a fifth longer (benchmarks/RESULTS.md). Before `fit` the filters take single
    pixels.

    Args:
        channels: C.
        patch: p, in pixels.
        keep: of the C p^2 directions those with most variance, all where None: the last ones hold next to nothing.
        eps: least variance; directions with less are noise, and are not blown up to the size of the others.
        bias: b, the same for all filters.
    """

    filters: Tensor
    bias: Tensor

    def __init__(self, channels: int, patch: int = 2, keep: int | None = None, eps: float = 5e-4, bias: float = 1.0):
        super().__init__()
        self.patch, self.eps = patch, eps
        self.outputs = 2 * min(keep or channels * patch**2, channels * patch**2)
        pixels = torch.eye(channels * patch**2)[: self.outputs // 2].view(-1, channels, patch, patch)
        self.register_buffer("filters", torch.cat([pixels, -pixels]))
        self.register_buffer("bias", torch.full((self.outputs,), float(bias)))

    @torch.no_grad()
    def fit(self, images: Tensor) -> None:
        """Takes the filters from images `[N, C, H, W]`, normalised as the network gets them; a thousand are plenty."""
        patches = images.unfold(2, self.patch, 1).unfold(3, self.patch, 1)
        rows = patches.permute(0, 2, 3, 1, 4, 5).flatten(3).flatten(0, 2).double()
        s, u = torch.linalg.eigh(rows.mT @ rows / len(rows))
        u = u * u.gather(0, u.abs().argmax(0, keepdim=True)).sign()  # eigenvectors are known but for their sign
        filters = (u / (s + self.eps).sqrt()).mT.flip(0)[: self.outputs // 2].reshape(-1, *self.filters.shape[1:])
        self.filters.copy_(torch.cat([filters, -filters]))

    def forward(self, x: Tensor) -> Tensor:
        return F.conv2d(x, self.filters, self.bias)
