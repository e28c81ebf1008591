"""The small ResNets of the CIFAR-10 experiments (He et al. 2015, arXiv:1512.03385, section 4.2): 20 to 110 layers.

    layers = 6 n + 2: one convolution, three stages of n blocks (width, 2 width, 4 width channels), one linear layer

Parameter by parameter named as in Yerlan Idelbayev's pytorch_resnet_cifar10, whose weights fit. Shortcuts are the
paper's option A: without weights, every second pixel, and zeros in the channels that are new.
"""

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ravine.models.checks import check_image, check_whole


class _Shortcut(nn.Module):
    """x[:, :, ::2, ::2] between as many channels of zeros on both sides; [B, C, H, W] -> [B, 2 C, H / 2, W / 2]."""

    def forward(self, x: Tensor) -> Tensor:
        added = x.shape[1] // 2
        return F.pad(x[:, :, ::2, ::2], (0, 0, 0, 0, added, x.shape[1] - added))


class _Block(nn.Module):
    """y = relu(shortcut(x) + bn2(conv2(relu(bn1(conv1(x)))))). `drop_path` is the place for stochastic depth."""

    def __init__(self, inputs: int, outputs: int):
        super().__init__()
        stride = 1 if inputs == outputs else 2
        self.conv1 = nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(outputs)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(outputs)
        self.drop_path = nn.Identity()
        self.shortcut = nn.Identity() if stride == 1 else _Shortcut()

    def forward(self, x: Tensor) -> Tensor:
        branch = self.bn2(self.conv2(torch.relu(self.bn1(self.conv1(x)))))
        return torch.relu(self.shortcut(x) + self.drop_path(branch))


class _ResNet(nn.Module):
    def __init__(self, channels: int, classes: int, blocks: int, width: int):
        super().__init__()
        self.conv1 = nn.Conv2d(channels, width, 3, 1, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.act1 = nn.ReLU()
        self.layer1 = _stage(width, width, blocks)
        self.layer2 = _stage(width, 2 * width, blocks)
        self.layer3 = _stage(2 * width, 4 * width, blocks)
        self.linear = nn.Linear(4 * width, classes)
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight)
        nn.init.zeros_(self.linear.weight)  # the first loss is that of guessing, however many blocks add up

    def forward(self, x: Tensor) -> Tensor:
        x = self.layer3(self.layer2(self.layer1(self.act1(self.bn1(self.conv1(x))))))
        return self.linear(x.mean(dim=(2, 3)))


def _stage(inputs: int, outputs: int, blocks: int) -> nn.Sequential:
    return nn.Sequential(_Block(inputs, outputs), *(_Block(outputs, outputs) for _ in range(blocks - 1)))


def _of_depth(depth: int) -> Callable[..., nn.Module]:
    def resnet_cifar(in_shape: tuple[int, ...], classes: int, width: int = 16) -> nn.Module:
        name = f"resnet{depth}"
        channels, _, _ = check_image(name, in_shape, least=8)
        return _ResNet(channels, classes, (depth - 2) // 6, check_whole(name, "width", width, 4, 512))

    resnet_cifar.__name__ = resnet_cifar.__qualname__ = f"resnet{depth}"
    resnet_cifar.__doc__ = f"""The ResNet of {depth} layers for small images; maps [B, C, H, W] to logits [B, classes].

    Args:
        in_shape: (C, H, W), 8 px or more a side; made for 32 px.
        classes: number of classes.
        width: channels of the first stage, 4 to 512; the last has 4 times as many.

    Raises:
        UsageError: a setting out of range, no images, or images that are too small.
    """
    return resnet_cifar


resnet20, resnet32, resnet44, resnet56, resnet110 = map(_of_depth, (20, 32, 44, 56, 110))
