"""Which of ravine's models weights are of: their settings are read off the shapes, and every name has to fit."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import torch

from ravine import spec
from ravine.errors import DataError, listed
from ravine.models import MODELS
from ravine.pretrained.on_paper import on_paper
from ravine.pretrained.shapes import Shape, State, candidates, in_shapes
from ravine.transfer import aligned, classifier, fitted


@dataclass(frozen=True)
class Recognised:
    """A model, and the weights that are of it.

    Attributes:
        model: its text, with settings.
        state: the weights under the model's own names, without what it does not have.
        prefix: what stood before the names.
        outputs: logits; 0 where the weights have no head.
        channels: of the images; None for feature arrays.
        left: names that the model does not have.
        missing: names that the weights do not have.
        names: how many the model has.
        problems: why they do not fit, by name.
    """

    model: str
    state: dict[str, torch.Tensor]
    prefix: str
    outputs: int
    channels: int | None
    left: tuple[str, ...]
    missing: tuple[str, ...]
    names: int
    problems: Mapping[str, str]


def recognised(state: State, where: str, model: str = "auto") -> Recognised:
    """The model that weights are of.

    Args:
        state: tensors by name.
        where: they come from, for messages.
        model: "auto" looks among `MODELS`, and all names and shapes have to be equal; any other text is the model that
            they have to be of, all but the head, and what is left over is told.

    Raises:
        DataError: weights of another network, or of none that is known by sight; says how near the nearest is.
        UsageError: no such model.
    """
    if model != "auto":
        asked = spec.parse(model, flag="--model")
        tried = []
        for in_shape in in_shapes(state, asked):
            tried.append(_tried(state, model, in_shape))
            if not tried[-1].problems:
                _refuse_part_of_another(state, tried[-1], where)
                return tried[-1]
        raise _of_another(state, max(tried, key=_fit), where)
    tried = []
    for one in _all_tried(state):
        if _exact(one):
            return one
        tried.append(one)
    nearest = max(tried, key=_fit, default=None)
    near = f"; nearest is {nearest.model}: {_unlike(nearest)}" if nearest and nearest.state else ""
    known = ", ".join(name for name in MODELS if name != "timm")
    cure = "Say what they are of: --model resnet20, or any network of timm's, --model 'timm(\"resnet50\")'"
    raise DataError(f"weights of none of {known}{near}", where=where, cure=cure)


def _refuse_part_of_another(state: State, found: Recognised, where: str) -> None:
    """Raises DataError where weights fit only since they are of a deeper network, of which much would be left."""
    other = next((one for one in _all_tried(state) if _exact(one)), None) if found.left else None
    if other is not None:
        what = f"weights of {other.model}, of which {found.model} does not have {len(found.left)} tensors"
        cure = f"Did you mean --model {other.model!r}?"
        raise DataError(f"{what} ({listed(found.left)})", where=where, cure=cure)


def _exact(one: Recognised) -> bool:
    return not one.problems and not one.left and bool(one.outputs)


def _of_another(state: State, found: Recognised, where: str) -> DataError:
    what = f"not weights of {found.model}: {_unlike(found)}"
    nearest = max((one for one in _all_tried(state) if not one.problems), key=_fit, default=None)
    cure = f"Did you mean --model {nearest.model!r}?" if nearest and _fit(nearest) > _fit(found) else ""
    return DataError(what, where=where, cure=cure)


def _unlike(one: Recognised) -> str:
    """How many tensors fit, batch norm's counters aside, and the first few that do not."""
    counters = sum(name.endswith("num_batches_tracked") for name in one.missing)
    said = [f"{len(one.state)} of {one.names - counters} names fit"]
    said += [listed([f"{name} {why}" for name, why in one.problems.items()])] if one.problems else []
    said += [f"left over: {listed(one.left)}"] if one.left else []
    return "; ".join(said)


def _fit(one: Recognised) -> int:
    return len(one.state) - len(one.problems) - len(one.left)


def _all_tried(state: State) -> Iterator[Recognised]:
    for text in candidates(state):
        yield from (_tried(state, str(text), in_shape) for in_shape in in_shapes(state, text))


def _tried(state: State, model: str, in_shape: Shape) -> Recognised:
    """How the weights fit this model, with as many outputs as they have."""
    network = on_paper(model, in_shape, 2)
    own, prefix = aligned(state, network)
    last = own.get(f"{classifier(network)}.weight")
    outputs = 0 if last is None else len(last)
    network = on_paper(model, in_shape, max(outputs, 1))
    match = fitted(state, network)
    outputs = outputs if f"{classifier(network)}.weight" in match.loaded else 0
    taken = {name: own[name] for name in match.loaded}
    channels = in_shape[0] if len(in_shape) == 3 else None
    left = tuple(name for name in match.left if name not in match.problems)
    names = len(network.state_dict())
    return Recognised(model, taken, prefix, outputs, channels, left, match.missing, names, match.problems)
