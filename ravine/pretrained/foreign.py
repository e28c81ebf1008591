"""Pretrained weights of others' making: a file of tensors that says nothing of itself, or a network of timm's."""

import hashlib
from collections.abc import Mapping
from pathlib import Path

import torch

from ravine import data, spec
from ravine.errors import UsageError, listed
from ravine.loading import sha256_of
from ravine.models import MADE_FOR
from ravine.pretrained.normalizing import normalization_named
from ravine.pretrained.recognising import Recognised, recognised
from ravine.pretrained.start import Start
from ravine.training.feed import Normalization
from ravine.transfer import read_state_dict

LIBRARIES = ("timm:", "hf-hub:")


def from_file(source: str, model: str, normalize: str) -> Start:
    """The weights in a file; arguments and errors as of `start_from`."""
    taken: list[str] = []
    found = recognised(read_state_dict(source, taken.append), source, model)
    normalization, why = _normalized(normalize, found.channels)
    side = MADE_FOR.get(spec.parse(found.model).name)
    return Start(
        source=source,
        model=found.model,
        states=(found.state,),
        head="linear",
        normalization=normalization,
        preprocessing=data.Preprocessing(side, side, found.channels) if side and found.channels else None,
        channels=found.channels,
        in_shape=None,
        classes=None,
        outputs=found.outputs,
        sha256=sha256_of(Path(source)),
        said=(_loaded(source, found, model), *taken, *_not_loaded(found), why, *_sized(found, side)),
    )


def from_library(source: str, model: str, normalize: str) -> Start:
    """Weights that timm knows by name; arguments and errors as of `start_from`."""
    from ravine.models.timm_weights import timm_weights

    if model != "auto":
        raise UsageError(f"{source} names its network itself", where=f"--model {model}", cure="Leave --model out")
    taken = timm_weights(source)
    found = recognised(taken.state, source, taken.model)
    channels, height, width = taken.input_size
    own = Normalization(*(tuple(255 * value for value in values) for values in (taken.mean, taken.std)))
    asked = (own, "normalised as they were trained")
    normalization, why = asked if normalize == "auto" else _normalized(normalize, channels)
    return Start(
        source=source,
        model=taken.model,
        states=(found.state,),
        head="linear",
        normalization=normalization,
        preprocessing=data.Preprocessing(height, width, channels),
        channels=channels,
        in_shape=taken.input_size,
        classes=None,
        outputs=found.outputs,
        sha256=_sha256_of(found.state),
        said=(_loaded(taken.name, found, model), *_not_loaded(found), why),
    )


def _loaded(source: str, found: Recognised, model: str) -> str:
    by = ", recognised by names and shapes" if model == "auto" else ""
    return f"{source}: weights of {found.model}{by}; loaded {len(found.state)} of its {found.names} tensors"


def _not_loaded(found: Recognised) -> list[str]:
    """What stood before the names, what is missing and what is left."""
    said = [f"the names stood behind {found.prefix!r}"] if found.prefix else []
    counters = [name for name in found.missing if name.endswith("num_batches_tracked")]
    head = [name for name in found.missing if name not in counters]
    if counters:
        said.append(f"missing: {len(counters)} counters of batch norm (num_batches_tracked), which start at 0")
    if head:
        said.append(f"missing: the head ({listed(head)})")
    if found.left:
        said.append(f"left: {len(found.left)} tensors that {found.model} does not have ({listed(found.left)})")
    return said


def _sized(found: Recognised, side: int | None) -> list[str]:
    """The size that images are brought to, of which a file says nothing."""
    if found.channels is None:
        return []
    unless = "unless --size says otherwise"
    if side:
        return [f"images are brought to {side} x {side} pixels, which {found.model} is made for, {unless}"]
    return [f"images are brought to a size that suits them, not to one that the weights are used to, {unless}"]


def _normalized(normalize: str, channels: int | None) -> tuple[Normalization | None, str]:
    """The normalisation for weights that say nothing of it, and why."""
    if normalize == "auto" and channels is None:
        return None, "features are normalised by their own mean and deviation, since the file says nothing of it"
    if normalize == "auto" and channels == 1:
        cure = "Say how they were trained: half, data or values([0.5], [0.5])"
        raise UsageError("the weights are for gray images and say nothing of it", where="--normalize", cure=cure)
    if normalize == "auto":
        why = "since the file says nothing of it; --normalize says otherwise"
        return normalization_named("imagenet"), f"normalised by ImageNet's mean and deviation, {why}"
    return normalization_named(normalize, channels=channels), f"normalised by {normalize}, as asked for"


def _sha256_of(state: Mapping[str, torch.Tensor]) -> str:
    digest = hashlib.sha256()
    for name, tensor in state.items():
        digest.update(name.encode() + tensor.contiguous().numpy().tobytes())
    return digest.hexdigest()
