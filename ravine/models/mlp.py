"""The multilayer perceptron: for feature arrays, and for images as the baseline that knows nothing of neighbours."""

from collections.abc import Sequence
from math import prod

from torch import Tensor, nn

from ravine.errors import UsageError
from ravine.models.checks import check_whole


class _HiddenLayer(nn.Sequential):
    """h = relu(batchnorm(W x)), He initialisation: W ~ N(0, 2 / fan_in)."""

    def __init__(self, inputs: int, outputs: int):
        linear = nn.Linear(inputs, outputs, bias=False)  # batch norm subtracts the mean, and any bias with it
        nn.init.kaiming_normal_(linear.weight, nonlinearity="relu")
        super().__init__(linear, nn.BatchNorm1d(outputs), nn.ReLU())


class _MLP(nn.Module):
    def __init__(self, inputs: int, classes: int, hidden: Sequence[int]):
        super().__init__()
        sizes = [inputs, *hidden]
        self.hidden = nn.Sequential(*(_HiddenLayer(a, b) for a, b in zip(sizes, sizes[1:], strict=False)))
        self.head = nn.Linear(sizes[-1], classes)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.hidden(x.flatten(1)))


def mlp(in_shape: tuple[int, ...], classes: int, hidden: Sequence[int] = (256, 256)) -> nn.Module:
    """Linear, batch norm and ReLU for each hidden size, then a linear layer to the logits.

    Maps float32 [B, F] or [B, C, H, W] (flattened) to logits [B, classes].

    Args:
        in_shape: (F,) or (C, H, W), without the batch.
        classes: number of classes.
        hidden: sizes of the hidden layers, 1 to 65,536 each; `[]` gives a linear classifier.

    Raises:
        UsageError: a hidden size out of range, or `hidden` is no list.
    """
    if not isinstance(hidden, list | tuple):
        raise UsageError(f"hidden={hidden!r} is not allowed", where="model mlp", expected="a list such as [256, 256]")
    return _MLP(prod(in_shape), classes, [check_whole("mlp", "hidden", size, 1, 65_536) for size in hidden])
