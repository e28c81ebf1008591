"""Weights of anybody's making put into a network: matched by name and shape, and nothing left unsaid."""

from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass

import torch
from torch import nn

from ravine.errors import DataError, UsageError, listed
from ravine.transfer.blocks import blocks

_COUNTER = "num_batches_tracked"  # of batch norm; old files have none, and nothing is computed from it
State = Mapping[str, torch.Tensor]


@dataclass(frozen=True)
class Match:
    """How weights fit a network; all are names.

    Attributes:
        loaded: in both, with equal shapes.
        missing: of the network, that the weights do not have or that was not taken: it keeps its own values.
        left: of the weights, that the network does not have or that was not taken.
        shapes: in both, with different shapes: (the weights', the network's).
        problems: what keeps the weights from fitting, in words by name: a shape, or a name that is missing. A head for
            another number of classes is none, it is left; nor are batch norm's counters.
    """

    loaded: tuple[str, ...]
    missing: tuple[str, ...]
    left: tuple[str, ...]
    shapes: Mapping[str, tuple[tuple[int, ...], tuple[int, ...]]]
    problems: Mapping[str, str]


def aligned(state: State, network: nn.Module) -> tuple[dict[str, torch.Tensor], str]:
    """The weights under the network's names, without the prefix that a wrapper put before them; and that prefix.

    Of all prefixes ("module.", "model.backbone.") it is the one under which the most names are the network's, then the
    most shapes, then the shortest. Names without it are kept as they are.
    """
    own = _tensors(network)
    named: Counter[str] = Counter()
    fits: Counter[str] = Counter()
    for name, tensor in state.items():
        parts = name.split(".")
        for i in range(len(parts)):
            mine = own.get(".".join(parts[i:]))
            if mine is not None:
                prefix = "".join(f"{part}." for part in parts[:i])
                named[prefix] += 1
                fits[prefix] += mine.shape == tensor.shape
    prefix = max(named, key=lambda p: (named[p], fits[p], -len(p)), default="")
    inside = {name.removeprefix(prefix): t for name, t in state.items() if name.startswith(prefix)}
    return {**{name: t for name, t in state.items() if not name.startswith(prefix)}, **inside}, prefix


def fitted(state: State, network: nn.Module, skip: Collection[str] = ()) -> Match:
    """How weights fit a network by name and shape. What of a head's layer does not fit is left, the whole layer.

    Args:
        state: tensors by name, with or without the prefix of a wrapper.
        network: any module.
        skip: names of the network that are not taken.
    """
    given, own = aligned(state, network)[0], _tensors(network)
    wanted = {name: t for name, t in own.items() if name not in skip}
    head = {name for name in _head(network) if name in wanted}
    shapes = {n: (tuple(given[n].shape), tuple(t.shape)) for n, t in wanted.items() if n in given}
    shapes = {name: both for name, both in shapes.items() if both[0] != both[1]}
    unfit = {name.rpartition(".")[0] for name in head if name in shapes or name not in given and _needed(name)}
    new = {name for name in head if name.rpartition(".")[0] in unfit}
    loaded = tuple(n for n in wanted if n in given and n not in shapes and n not in new)
    persistent = network.state_dict().keys()
    missing = tuple(name for name in own if name not in loaded and name in persistent)
    other = {name: f"is {list(a)}, the network has {list(b)}" for name, (a, b) in shapes.items() if name not in new}
    lost = [name for name in missing if name in wanted and name not in (*shapes, *new) and _needed(name)]
    left = tuple(name for name in given if name not in loaded)
    return Match(loaded, missing, left, shapes, other | dict.fromkeys(lost, "is missing"))


@torch.no_grad()
def load_into(network: nn.Module, state: State, skip: Collection[str] = ()) -> Match:
    """Copies weights into a network, where they are fitted as by `fitted`.

    A head for another number of classes is left out, batch norm's counters may be missing; anything else has to fit.

    Raises:
        DataError: they do not fit; lists the first few reasons, and nothing was copied.
    """
    match = fitted(state, network, skip)
    if match.problems:
        what = f"{len(match.loaded)} of {len(match.loaded) + len(match.problems)} tensors fit the network: "
        first = listed([f"{name} {why}" for name, why in match.problems.items()])
        raise DataError(what + first, where="weights", expected="those of this very network")
    given, own = aligned(state, network)[0], _tensors(network)
    for name in match.loaded:
        own[name].copy_(given[name])
    return match


def _tensors(network: nn.Module) -> dict[str, torch.Tensor]:
    """Parameters and buffers by name, also the buffers that a state dict leaves out."""
    state = {name: t for name, t in network.state_dict().items() if isinstance(t, torch.Tensor)}
    return state | {name: t for name, t in network.named_buffers() if name not in state}


def _head(network: nn.Module) -> tuple[str, ...]:
    try:
        last = blocks(network)[-1]
    except UsageError:  # a single layer
        return ()
    return (*last.parameters, *last.buffers)


def _needed(name: str) -> bool:
    return not name.endswith(_COUNTER)
