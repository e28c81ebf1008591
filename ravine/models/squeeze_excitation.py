"""Channels that are weighed by what the whole image holds: a convolution sees 3 x 3 positions, this sees all.

Hu, Shen and Sun, "Squeeze-and-Excitation Networks", 2018.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional as F


class SqueezeExcitation(nn.Module):
    """Feature maps, each times a number between 0 and 2 for the image: `[B, C, H, W]` -> `[B, C, H, W]`.

        y = 2 sigmoid(B silu(A mean(x) + a) + b) x,     A: C -> max(C / ratio, 4),  B back to C

    B and b begin at 0, so that y = x at first: it can stand after any layer without moving where training begins.

    Args:
        channels: C, 1 or more.
        ratio: how many channels share one hidden number, 1 or more; there are at least 4 of them.
    """

    def __init__(self, channels: int, ratio: int = 8):
        super().__init__()
        hidden = max(channels // ratio, 4)
        self.squeeze = nn.Linear(channels, hidden)
        self.excite = nn.Linear(hidden, channels)
        nn.init.zeros_(self.excite.weight)
        nn.init.zeros_(self.excite.bias)

    def forward(self, x: Tensor) -> Tensor:
        weights = 2 * torch.sigmoid(self.excite(F.silu(self.squeeze(x.mean(dim=(2, 3))))))
        return x * weights[:, :, None, None]
