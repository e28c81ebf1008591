"""The default network for images: few, wide convolutions after an early reduction, three residual stages.

A ResNet-9 in layout (Page 2018, "How to train your ResNet"), with a stem that brings any image to a grid of about
16 x 16 positions before the compute starts, so that an image of 224 px a side costs little more than one of 32.
"""

from math import log2, sqrt

import torch
from torch import Tensor, nn

from ravine.errors import UsageError
from ravine.models.checks import check_image, check_whole

GRID = 16  # positions a side that the stem aims at


def _convolution(inputs: int, outputs: int, *, kernel: int = 3, stride: int = 1, pool: bool = False) -> nn.Sequential:
    """relu(batchnorm(maxpool(W * x))): pooling before the norm gives it a quarter of the work."""
    convolution = nn.Conv2d(inputs, outputs, kernel, stride, padding=kernel // 2 if kernel > stride else 0, bias=False)
    nn.init.kaiming_normal_(convolution.weight, mode="fan_in", nonlinearity="relu")
    pooling = [nn.MaxPool2d(2)] if pool else []
    return nn.Sequential(convolution, *pooling, nn.BatchNorm2d(outputs), nn.ReLU(inplace=True))


class _Residual(nn.Module):
    """relu(x + batchnorm(W * x)), [B, width, H, W] -> the same shape; gamma starts at 0, so the block as relu(x).

    `drop_path`, under timm's name for it, is the place for stochastic depth.

    One convolution a block, not the usual two: at equal compute both were equally accurate on CIFAR-10, after 5 epochs
    and after 11.
    """

    def __init__(self, width: int):
        super().__init__()
        self.convolution = nn.Conv2d(width, width, 3, padding=1, bias=False)
        self.norm = nn.BatchNorm2d(width)
        self.drop_path = nn.Identity()
        nn.init.kaiming_normal_(self.convolution.weight, mode="fan_in", nonlinearity="relu")
        nn.init.zeros_(self.norm.weight)

    def forward(self, x: Tensor) -> Tensor:
        return (x + self.drop_path(self.norm(self.convolution(x)))).relu_()


class _ConvNet(nn.Module):
    def __init__(self, channels: int, classes: int, width: int, halvings: int):
        super().__init__()
        self.stem = _stem(channels, width, halvings)
        self.stage1 = nn.Sequential(_convolution(width, width), _Residual(width))
        self.stage2 = nn.Sequential(_convolution(width, 2 * width, pool=True), _Residual(2 * width))
        self.stage3 = nn.Sequential(_convolution(2 * width, 4 * width, pool=True), _Residual(4 * width))
        self.head = nn.Linear(4 * width, classes)
        nn.init.zeros_(self.head.weight)  # the first loss is that of guessing, however large the maxima are

    def forward(self, x: Tensor) -> Tensor:
        x = self.stage3(self.stage2(self.stage1(self.stem(x))))
        return self.head(torch.amax(x, dim=(2, 3)))


def convnet(in_shape: tuple[int, ...], classes: int, width: int = 32) -> nn.Module:
    """A small residual network; maps float32 [B, C, H, W] to logits [B, classes].

    At the default width an image of 32 px takes 20 million multiply-accumulates forward, a larger one 15 to 50.

    Args:
        in_shape: (C, H, W), 4 px or more a side.
        classes: number of classes.
        width: channels of the first stage, 4 to 512; the last has 4 times as many. Compute grows with its square.

    Raises:
        UsageError: width out of range, no images, or images that are too small (or too narrow for their length).
    """
    channels, height, image_width = check_image("convnet", in_shape, least=4)
    check_whole("convnet", "width", width, 4, 512)
    halvings = max(0, round(log2(sqrt(height * image_width) / GRID)))
    least = 4 * 2**halvings
    if min(height, image_width) < least:
        found = f"images of {height}x{image_width} pixels are too narrow"
        raise UsageError(found, where="model convnet", expected=f"a shorter side of {least} or more at this area")
    return _ConvNet(channels, classes, width, halvings)


def _stem(channels: int, width: int, halvings: int) -> nn.Sequential:
    """[B, channels, H, W] -> [B, width, H / 2**halvings, W / 2**halvings].

    The last halving is a max pool, those before are one convolution over patches; from the fourth on (above 180 px)
    the patches would be too large for `width` numbers, and a strided convolution takes over one halving.
    """
    if halvings < 2:
        return nn.Sequential(_convolution(channels, width, pool=halvings == 1))
    strided = [_convolution(width, width, stride=2)] if halvings > 3 else []
    patch = 2 ** (halvings - 1 - len(strided))
    patches = _convolution(channels, width, kernel=patch, stride=patch)
    return nn.Sequential(patches, *strided, _convolution(width, width, pool=True))
