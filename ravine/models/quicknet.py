"""The network for short trainings of small images: most of its work is where it teaches most.

After airbench94's (Jordan, "94% on CIFAR-10 in 3.29 Seconds on a Single GPU", 2024): a whitening layer that needs no
learning, six convolutions that begin as the identity, pooling before each norm. Other than there each stage's second
convolution adds to what the first one gave, its channels weighed by the whole image, and the head takes the mean of the
positions instead of the largest: both generalise better. In 100 seconds on two cores it learned CIFAR-10 more
accurately than `convnet` (benchmarks/RESULTS.md).
"""

from torch import Tensor, nn

from ravine.models.checks import check_flag, check_image, check_whole
from ravine.models.squeeze_excitation import SqueezeExcitation
from ravine.models.whitening import Whitening

_DIRECTIONS = 8  # of the 12 of colour patches; 16 channels fill a CPU's vectors, 24 do not
SMALLEST, LARGEST = 24, 48  # pixels a side that it is made for


def _convolution(inputs: int, outputs: int, *, identity: bool, pool: bool = False) -> list[nn.Module]:
    """silu(batchnorm(maxpool(W * x))); with `identity` an output begins as a copy of its input, as far as there are."""
    convolution = nn.Conv2d(inputs, outputs, 3, padding=1, bias=False)
    if identity:
        nn.init.dirac_(convolution.weight[: min(inputs, outputs)])
    return [convolution, *([nn.MaxPool2d(2)] if pool else []), nn.BatchNorm2d(outputs), nn.SiLU(inplace=True)]


class _Stage(nn.Module):
    """a = convolution(x), of half the side where it pools;  y = a + excitation(convolution(a))."""

    def __init__(self, inputs: int, outputs: int, *, pool: bool, identity: bool, excitation: bool):
        super().__init__()
        self.widen = nn.Sequential(*_convolution(inputs, outputs, identity=identity, pool=pool))
        weighed = [SqueezeExcitation(outputs)] if excitation else []
        self.refine = nn.Sequential(*_convolution(outputs, outputs, identity=identity), *weighed)

    def forward(self, x: Tensor) -> Tensor:
        a = self.widen(x)
        return a + self.refine(a)


class _QuickNet(nn.Module):
    def __init__(
        self, channels: int, classes: int, width: int, side: int, whitening: bool, identity: bool, excitation: bool
    ):
        super().__init__()
        white = Whitening(channels, keep=_DIRECTIONS)
        first = white if whitening else nn.Conv2d(channels, white.outputs, white.patch)
        side -= white.patch - 1
        self.stem = nn.Sequential(first, nn.SiLU(inplace=True))
        widths = (white.outputs, width, 4 * width, 8 * width)
        pools = [side >= 4, side >= 8, side >= 16]  # tiny images keep their last positions
        self.stage1, self.stage2, self.stage3 = (
            _Stage(inputs, outputs, pool=pool, identity=identity, excitation=excitation)
            for inputs, outputs, pool in zip(widths, widths[1:], pools, strict=False)
        )
        self.head = nn.Linear(widths[-1], classes)
        nn.init.zeros_(self.head.weight)

    def forward(self, x: Tensor) -> Tensor:
        x = self.stage3(self.stage2(self.stage1(self.stem(x))))
        return self.head(x.mean(dim=(2, 3)))


def quicknet(
    in_shape: tuple[int, ...],
    classes: int,
    width: int = 16,
    whitening: bool = True,
    identity: bool = True,
    excitation: bool = True,
) -> nn.Module:
    """A small plain network with a whitening layer; maps float32 [B, C, H, W] to logits [B, classes].

    An image of 32 px takes 12 million multiply-accumulates forward at width 16, one of 64 px four times as many: for
    larger ones take `convnet`, whose stem shrinks them first.

    Args:
        in_shape: (C, H, W), 4 px or more a side.
        classes: number of classes.
        width: channels of the first stage, 4 to 512; the others have 4 and 8 times as many. Compute grows with its
            square.
        whitening: whether the first layer is computed from the training images; else it is learned like the others.
        identity: whether convolutions begin as copies of their inputs; else at random.
        excitation: whether a `SqueezeExcitation` weighs what the second convolution of a stage adds.

    Raises:
        UsageError: a setting out of range, no images, or images that are too small.
    """
    channels, height, image_width = check_image("quicknet", in_shape, least=4)
    check_whole("quicknet", "width", width, 4, 512)
    check_flag("quicknet", "whitening", whitening)
    check_flag("quicknet", "identity", identity)
    check_flag("quicknet", "excitation", excitation)
    return _QuickNet(channels, classes, width, min(height, image_width), whitening, identity, excitation)


def suits_quicknet(in_shape: tuple[int, ...]) -> bool:
    """Whether these are colour images of the size that it is made for."""
    return len(in_shape) == 3 and in_shape[0] == 3 and min(in_shape[1:]) >= SMALLEST and max(in_shape[1:]) <= LARGEST
