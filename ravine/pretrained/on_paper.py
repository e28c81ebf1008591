"""A network without numbers: its names and shapes alone."""

from typing import Any

import torch
from torch import nn
from torch.overrides import TorchFunctionMode

from ravine import building, draws


class _Undrawn(TorchFunctionMode):
    """Leaves initial weights undrawn: on the meta device the first draw imports torch._dynamo, which takes a second."""

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        drawn = func in (torch.Tensor.normal_, torch.Tensor.uniform_)
        return args[0] if drawn else func(*args, **(kwargs or {}))


def on_paper(model: str, in_shape: tuple[int, ...], classes: int, head: str = "linear") -> nn.Module:
    """The network, on the meta device. Raises UsageError: as of `building.network`."""
    with draws.own_generators(), torch.device("meta"), _Undrawn():
        return building.network(model, in_shape, classes, head)
