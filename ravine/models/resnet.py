"""ResNet-18 and -34 (He et al. 2015, arXiv:1512.03385), parameter by parameter named as timm names them.

A weights file of timm's `resnet18` or `resnet34` fits by name and shape, where width is 64 and images are above 64 px.
"""

from torch import Tensor, nn

from ravine.errors import UsageError
from ravine.models.checks import check_image, check_whole

BLOCKS = {18: (2, 2, 2, 2), 34: (3, 4, 6, 3)}
SMALL_IMAGE = 64  # px: up to here the stem keeps the resolution


class BasicBlock(nn.Module):
    """y = relu(shortcut(x) + bn2(conv2(relu(bn1(conv1(x)))))).

    [B, inputs, H, W] -> [B, outputs, H / stride, W / stride]. The second batch norm starts with gamma = 0, so that each
    block starts as its shortcut (Goyal et al. 2017). `drop_path` is the place for stochastic depth.
    """

    def __init__(self, inputs: int, outputs: int, stride: int):
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(outputs)
        self.act1 = nn.ReLU(inplace=True)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(outputs)
        self.act2 = nn.ReLU(inplace=True)
        self.drop_path = nn.Identity()
        self.downsample = None
        if stride > 1 or inputs != outputs:
            shortcut = nn.Conv2d(inputs, outputs, 1, stride, bias=False)
            self.downsample = nn.Sequential(shortcut, nn.BatchNorm2d(outputs))

    def forward(self, x: Tensor) -> Tensor:
        shortcut = x if self.downsample is None else self.downsample(x)
        branch = self.bn2(self.conv2(self.act1(self.bn1(self.conv1(x)))))
        return self.act2(shortcut + self.drop_path(branch))


class _ResNet(nn.Module):
    def __init__(self, channels: int, classes: int, blocks: tuple[int, ...], width: int, small: bool):
        super().__init__()
        stem = nn.Conv2d(channels, width, 3, 1, 1, bias=False) if small else _photo_stem(channels, width)
        self.conv1 = stem
        self.bn1 = nn.BatchNorm2d(width)
        self.act1 = nn.ReLU(inplace=True)
        self.maxpool = nn.Identity() if small else nn.MaxPool2d(3, 2, 1)
        self.layer1 = _layer(width, width, blocks[0], stride=1)
        self.layer2 = _layer(width, 2 * width, blocks[1], stride=2)
        self.layer3 = _layer(2 * width, 4 * width, blocks[2], stride=2)
        self.layer4 = _layer(4 * width, 8 * width, blocks[3], stride=2)
        self.fc = nn.Linear(8 * width, classes)
        self.apply(_initialise)

    def forward(self, x: Tensor) -> Tensor:
        x = self.maxpool(self.act1(self.bn1(self.conv1(x))))
        x = self.layer4(self.layer3(self.layer2(self.layer1(x))))
        return self.fc(x.mean(dim=(2, 3)))


def resnet(in_shape: tuple[int, ...], classes: int, depth: int = 18, width: int = 64) -> nn.Module:
    """ResNet of `depth` layers; maps float32 [B, C, H, W] to logits [B, classes].

    Images of up to 64 px (the geometric mean of the sides) meet a 3x3 convolution that keeps their resolution; larger
    ones the standard 7x7 convolution of stride 2 and a max pool, which divide it by 4.

    Args:
        in_shape: (C, H, W), 8 px or more a side.
        classes: number of classes.
        depth: 18 or 34.
        width: channels of the first layer, 16 to 1,024; the last has 8 times as many.

    Raises:
        UsageError: a setting out of range, no images, or images that are too small.
    """
    channels, height, image_width = check_image("resnet", in_shape, least=8)
    check_whole("resnet", "width", width, 16, 1024)  # under 16, oneDNN's strided 1x1 writes out of bounds (its #6035)
    if depth not in BLOCKS:
        raise UsageError(f"depth={depth!r} is not allowed", where="model resnet", expected="18 or 34")
    return _ResNet(channels, classes, BLOCKS[depth], width, small=height * image_width <= SMALL_IMAGE**2)


def _photo_stem(channels: int, width: int) -> nn.Conv2d:
    return nn.Conv2d(channels, width, 7, 2, 3, bias=False)


def _layer(inputs: int, outputs: int, blocks: int, stride: int) -> nn.Sequential:
    later = (BasicBlock(outputs, outputs, 1) for _ in range(blocks - 1))
    return nn.Sequential(BasicBlock(inputs, outputs, stride), *later)


def _initialise(module: nn.Module) -> None:
    """He initialisation of convolutions, W ~ N(0, 2 / fan_out); gamma = 0 at the end of each block."""
    if isinstance(module, nn.Conv2d):
        nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
    elif isinstance(module, BasicBlock):
        nn.init.zeros_(module.bn2.weight)
