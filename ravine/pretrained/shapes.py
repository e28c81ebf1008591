"""What the shapes of weights tell of ravine's models: their settings, and the inputs that they were built for."""

import re
from collections.abc import Iterator, Mapping
from itertools import count, takewhile
from math import isqrt

import torch

from ravine import spec
from ravine.models import MODELS
from ravine.models.timm_door import timm_input

State = Mapping[str, torch.Tensor]
Shape = tuple[int, ...]
_HIDDEN = re.compile(r"(?:^|\.)hidden\.(\d{1,6})\.0\.weight$")


def candidates(state: State) -> Iterator[spec.Spec]:
    """The models that may be meant, with the settings that the shapes tell."""
    stem, patches = _shape(state, "conv1.weight"), _shape(state, "stem.0.0.weight")
    if len(stem) == 4 and 16 <= stem[0] <= 1024:
        width = {} if stem[0] == 64 else {"width": stem[0]}
        yield from (spec.Spec("resnet", (), {"depth": depth, **width}) for depth in (18, 34))
    if len(stem) == 4 and 4 <= stem[0] <= 512:
        width = {} if stem[0] == 16 else {"width": stem[0]}
        yield from (
            spec.Spec(name, (), width) for name in ("resnet20", "resnet32", "resnet44", "resnet56", "resnet110")
        )
    if len(patches) == 4 and 4 <= patches[0] <= 512:
        yield spec.Spec("convnet", (), {} if patches[0] == 32 else {"width": patches[0]})
    layers = _hidden_layers(state)
    hidden = [layers[i] for i in takewhile(layers.__contains__, count())]
    if hidden:
        yield spec.Spec("mlp", (), {"hidden": hidden})


def in_shapes(state: State, asked: spec.Spec) -> list[Shape]:
    """Inputs for which the model may have been built: its parameters may depend on them."""
    model = asked.name
    if model == "mlp":
        return [_shape(state, "hidden.0.0.weight")[1:] or (1,)]
    if model == "timm":
        return _shapes_of_timm(state, asked)
    first = _shape(state, "stem.0.0.weight" if model == "convnet" else "conv1.weight")
    channels = _channels(first)
    if model == "convnet":  # its stem depends on the size: one halving more each time
        return [(channels, side, side) for side in (16, 32, 64, 128, 256, 512)]
    side = 224 if model == "resnet" and first[-1:] == (7,) else 32
    return [(channels, side, side)]


def _shapes_of_timm(state: State, asked: spec.Spec) -> list[Shape]:
    """What the network was made for, and what a transformer's number of positions tells."""
    _, settings = spec.bind(asked, MODELS, flag="--model", given={"in_shape": (), "classes": 0})
    (_, height, width), first = timm_input(settings["name"])
    channels, side = _channels(_shape(state, f"{first}.weight")), _side_of_transformer(state)
    return [(channels, height, width)] + ([(channels, side, side)] if side not in (0, height) else [])


def _hidden_layers(state: State) -> dict[int, int]:
    """The width of each hidden layer of an mlp, by its number; one look at each name."""
    found = ((_HIDDEN.search(name), tensor) for name, tensor in state.items())
    return {int(match[1]): len(tensor) for match, tensor in found if match and tensor.dim() == 2}


def _channels(first: Shape) -> int:
    """Of the images, from the first convolution's weight; the tensors of a file come in any order."""
    return first[1] if len(first) == 4 else 3


def _side_of_transformer(state: State) -> int:
    """From the number of its positions; 0 where there are none."""
    positions, patch = _shape(state, "pos_embed"), _shape(state, "patch_embed.proj.weight")
    return isqrt(positions[1]) * patch[-1] if len(positions) == 3 and len(patch) == 4 else 0


def _shape(state: State, name: str) -> Shape:
    """Of the tensor of that name, whatever stands before it; () where there is none."""
    ends = [key for key in state if key == name or key.endswith(f".{name}")]
    return tuple(state[min(ends, key=len)].shape) if ends else ()
