"""Pretrained weights as one thing, wherever they come from, and how they get into a network."""

from collections.abc import Collection
from dataclasses import dataclass

import torch
from torch import nn

from ravine import data
from ravine.errors import DataError
from ravine.training.feed import Normalization
from ravine.transfer import Match, load_into


@dataclass(frozen=True)
class Start:
    """Pretrained weights, and what is known of them.

    Attributes:
        source: as it was given: a path, or timm:NAME.
        model: ravine's text of the network, "resnet20".
        states: the tensors of one network, or of each of the K members of a run, under the network's own names.
        head: "linear" or "mlp".
        normalization: of the inputs; None: the new data's own.
        preprocessing: of the images; None: the new data's own size, in `channels` channels.
        channels: of the images; None for feature arrays.
        in_shape: of an input, where it is known.
        classes: names in the order of the logits; None where the file has none, as in files of others' making.
        outputs: logits; 0 where there is no head.
        sha256: of the file; of timm's networks, of their weights.
        said: what is to be told: what was read, loaded, missing and left, and why this normalisation.
    """

    source: str
    model: str
    states: tuple[dict[str, torch.Tensor], ...]
    head: str
    normalization: Normalization | None
    preprocessing: data.Preprocessing | None
    channels: int | None
    in_shape: tuple[int, ...] | None
    classes: tuple[str, ...] | None
    outputs: int
    sha256: str
    said: tuple[str, ...]


def load_start(network: nn.Module, start: Start, k: int, keep: Collection[str] | None = None) -> Match:
    """Copies the weights of member k into a freshly built network; after the last member the first comes again.

    A head for another number of classes is left out; the match names it.

    Args:
        network: of `start.model`.
        start: where the weights come from.
        k: the member's number.
        keep: names of parameters and buffers that are taken; None takes all.

    Raises:
        DataError: they do not fit, since the network was built for images of another size.
    """
    own = {name for name, _ in (*network.named_parameters(), *network.named_buffers())}
    skip = own - set(own if keep is None else keep)
    try:
        return load_into(network, start.states[k % len(start.states)], skip)
    except DataError as error:
        cure = "This network depends on the size of the images: bring them to that of the weights, such as --size 224"
        raise DataError(error.what, where=start.source, cure=cure) from None
