"""Pretrained weights as one thing, wherever they come from, and how they get into a network."""

from collections.abc import Collection
from dataclasses import dataclass

import torch
from torch import nn

from ravine import data
from ravine.pretrained.learned import Learned
from ravine.pretrained.other_size import refuse_other_size
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
        learned: what each of the networks was trained on, the latest first; empty where nothing is known of it.
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
    learned: tuple[tuple[Learned, ...], ...] = ()

    @property
    def all_learned(self) -> tuple[Learned, ...]:
        """What any of the networks was trained on."""
        return tuple(dict.fromkeys(one for known in self.learned for one in known))

    def learned_on(self, fingerprint: str, member: int | None = None) -> tuple[Learned, ...]:
        """How this data was cut where the weights, or those that they began with, were trained on it.

        Args:
            fingerprint: of the data.
            member: of several networks, from 0; None: all of them.
        """
        known = self.all_learned if member is None or not self.learned else self.learned[member]
        return tuple(one for one in known if one.fingerprint == fingerprint)


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
    state = start.states[k % len(start.states)]
    refuse_other_size(state, network, start.model, start.source, start.in_shape, skip)
    return load_into(network, state, skip)
