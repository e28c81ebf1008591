"""Weights of a network that is built for images of a certain size, and images of another one."""

from collections.abc import Collection, Iterator, Mapping

import torch
from torch import nn

from ravine import spec
from ravine.errors import DataError, listed
from ravine.pretrained.on_paper import on_paper
from ravine.pretrained.shapes import Shape, in_shapes
from ravine.transfer import fitted

State = Mapping[str, torch.Tensor]


def refuse_other_size(
    state: State, network: nn.Module, model: str, source: str, made_for: Shape | None = None, skip: Collection[str] = ()
) -> None:
    """Raises DataError where weights of a model do not fit it as it is built for images of a certain size.

    Args:
        state: the weights, under the network's names; known to be of the model.
        network: the model as it is built for these images, with as many outputs as suit.
        model: its text.
        source: of the weights, for the message.
        made_for: the shape of the inputs that the weights were trained on; None where it is not known.
        skip: names of the network that are not taken.
    """
    problems = fitted(state, network, skip).problems
    if problems:
        first = listed([f"{name} {why}" for name, why in problems.items()])
        what = f"weights of {model} as it is built for images of another size: {first}"
        size = next(_sizes(state, model, made_for), "")
        raise DataError(what, where=source, cure=f"Bring the images to a size that fits: --size {size}" if size else "")


def _sizes(state: State, model: str, made_for: Shape | None) -> Iterator[int]:
    """Sides in pixels for which the weights fit, that which they were trained on first."""
    shapes = [made_for] if made_for else in_shapes(state, spec.parse(model))
    for shape in shapes:
        if len(shape) == 3 and shape[1] == shape[2] and not fitted(state, on_paper(model, shape, 2)).problems:
            yield shape[1]
