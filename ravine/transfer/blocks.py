"""A network as a row of blocks, from the images to the logits: what is frozen, trained at a rate of its own, or cut.

Any module will do: a block is a residual block, a layer of a transformer, or a stage; single layers before the first
one are the stem. The blocks come in the order in which they were made, which is that in which they run.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from torch import nn

from ravine.errors import UsageError

HEAD, STEM = "head", "stem"
_CLASSIFIERS = (nn.Linear, nn.Conv1d, nn.Conv2d)


@dataclass(frozen=True)
class Block:
    """A part of a network.

    Attributes:
        name: "stem", the module's own name ("layer1.0"), or "head" for the last one.
        modules: dotted names of its modules, also of those without weights, in the order in which they run.
        parameters, buffers: dotted names of all that is in it.
    """

    name: str
    modules: tuple[str, ...]
    parameters: tuple[str, ...]
    buffers: tuple[str, ...]


def blocks(model: nn.Module) -> tuple[Block, ...]:
    """The blocks of a network, first to last; the last is the head, which gives the logits.

    Raises:
        UsageError: a network without two parts that have weights.
    """
    groups: list[list[str]] = []
    layers = False  # whether the last group is of single layers, which the next one joins
    for name, module in _units(model, ""):
        if not any(True for _ in module.parameters()) and groups:
            groups[-1].append(name)  # a pooling belongs to what it pools
        elif layers and _is_layer(module):
            groups[-1].append(name)
        else:
            groups.append([name])
            layers = _is_layer(module)
    if groups and layers:
        groups[-1:] = _parted(model, groups[-1])
    if len(groups) < 2:
        raise UsageError("the network has no blocks", expected="two or more parts with weights, the last is the head")
    parameters, buffers = ([name for name, _ in named] for named in (model.named_parameters(), model.named_buffers()))
    names = [group[0] for group in groups]
    names[-1] = HEAD
    names[0] = STEM if _is_layer(model.get_submodule(names[0])) else names[0]
    return tuple(
        Block(name, tuple(group), _inside(parameters, group, i == 0), _inside(buffers, group, i == 0))
        for i, (name, group) in enumerate(zip(names, groups, strict=True))
    )


def classifier(model: nn.Module) -> str:
    """The dotted name of the layer that gives the logits: the last linear layer (or convolution) of the head.

    Raises:
        UsageError: there is none.
    """
    inside = [name for unit in blocks(model)[-1].modules for name in _layers(model, unit)]
    if not inside:
        raise UsageError("the network has no head", expected="a linear layer at its end")
    return inside[-1]


def _is_layer(module: nn.Module) -> bool:
    """Whether it is a single layer: weights of its own (timm's norms have an activation inside), or nothing inside."""
    return not list(module.children()) or any(True for _ in module.parameters(recurse=False))


def _units(module: nn.Module, prefix: str) -> Iterator[tuple[str, nn.Module]]:
    """The children; of a plain row of blocks each block."""
    for name, child in module.named_children():
        with_weights = [c for c in child.children() if any(True for _ in c.parameters())]
        row = isinstance(child, nn.Sequential | nn.ModuleList) and not all(map(_is_layer, with_weights))
        bare = not child._parameters and not child._buffers  # what it held itself would be in no block
        if row and bare and len(with_weights) > 1:
            yield from _units(child, f"{prefix}{name}.")
        else:
            yield prefix + name, child


def _parted(model: nn.Module, layers: list[str]) -> list[list[str]]:
    """Single layers at the end in two groups: those before the last one with weights (a norm, say), and the head."""
    at = max(i for i, name in enumerate(layers) if any(True for _ in model.get_submodule(name).parameters()))
    return [layers[:at], layers[at:]] if at else [layers]


def _layers(model: nn.Module, unit: str) -> Iterator[str]:
    for name, module in model.get_submodule(unit).named_modules(prefix=unit):
        if isinstance(module, _CLASSIFIERS):
            yield name


def _inside(names: list[str], group: list[str], first: bool) -> tuple[str, ...]:
    """Those of a group; the first one has what the network itself holds, such as a transformer's class token."""
    held = tuple(f"{unit}." for unit in group)
    return tuple(name for name in names if name.startswith(held) or (first and "." not in name))
