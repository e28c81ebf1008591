"""Where the parts of a network are that regularization acts on, found by the names that are usual.

ravine's own networks, timm's and torchvision's are covered: a head called `head`, `fc`, `linear` or `classifier`,
stages called `stage1`, `layer1`, `s1` or `stages`, blocks that have a `drop_path` (None or a module) in their residual
branch.
"""

import re
from collections.abc import Iterator

from torch import nn

from ravine.errors import UsageError

_CONVOLUTIONS = (nn.Conv1d, nn.Conv2d, nn.Conv3d)
_HEADS = ("head", "fc", "linear", "classifier")
_STAGE = re.compile(r"(stage|layer|s)\d+")
_STAGES = ("stages", "layers", "blocks")
_BRANCHES = ("drop_path", "drop_path1", "drop_path2")


def head(model: nn.Module) -> nn.Module:
    """The layer that gives the logits: what `get_classifier()` says, else the last linear layer of `head`, ...

    Raises:
        UsageError: there is none.
    """
    found = model.get_classifier() if hasattr(model, "get_classifier") else None  # pyright: ignore[reportCallIssue]
    for name in _HEADS:
        found = found if isinstance(found, nn.Module) else getattr(model, name, None)
    inside = found.modules() if isinstance(found, nn.Module) else ()
    layers = [layer for layer in inside if isinstance(layer, (nn.Linear, *_CONVOLUTIONS))]
    if not layers:
        raise UsageError("the network has no head", expected=f"a linear layer called {', '.join(_HEADS)}")
    return layers[-1]


def stages(model: nn.Module) -> list[nn.Module]:
    """The stages of a convolutional network, in order.

    Raises:
        UsageError: there are none.
    """
    named = [child for name, child in model.named_children() if _STAGE.fullmatch(name)]
    lists = [getattr(model, name) for name in _STAGES if isinstance(getattr(model, name, None), nn.Module)]
    found = named or [stage for children in lists for stage in children.children()]
    # the blocks of a transformer have no channels that are pictures
    found = [stage for stage in found if any(isinstance(layer, _CONVOLUTIONS) for layer in stage.modules())]
    if not found:
        raise UsageError("the network has no convolutional stages", expected="convnet, resnet, or one with stages")
    return found


def branches(model: nn.Module) -> list[tuple[nn.Module, list[str]]]:
    """The residual blocks in order, each with the names of its places for dropping branches.

    Raises:
        UsageError: there are none.
    """
    found = [(block, names) for block in model.modules() if (names := list(_branch_names(block)))]
    if not found:
        raise UsageError("the network has no residual blocks", expected="convnet, resnet, or one with drop_path")
    return found


def norms(model: nn.Module) -> list[nn.modules.batchnorm._BatchNorm]:
    """The batch norms.

    Raises:
        UsageError: there are none.
    """
    found = [layer for layer in model.modules() if isinstance(layer, nn.modules.batchnorm._BatchNorm)]
    if not found:
        raise UsageError("the network has no batch norm", expected="one that has")
    return found


def _branch_names(block: nn.Module) -> Iterator[str]:
    for name in _BRANCHES:
        if hasattr(block, name) and isinstance(getattr(block, name), nn.Module | None):
            yield name
