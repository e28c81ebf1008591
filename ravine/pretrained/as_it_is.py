"""A pretrained network as it is, without any training: the data as it sees them, and what it makes of them."""

from dataclasses import asdict
from typing import Any

import numpy as np
import torch

from ravine import building, data, draws
from ravine.errors import DataError, UsageError, listed
from ravine.pretrained.on_paper import on_paper
from ravine.pretrained.other_size import refuse_other_size
from ravine.pretrained.start import Start, load_start
from ravine.trained import Trained


def data_for(start: Start, source: Any, size: int | str = "auto", **options: Any) -> data.Dataset:
    """Loads a data set as a pretrained network sees images: of its size where it has one, in its channels.

    Args:
        source: of the data, as of `ravine.data.load`, like the options.
        size: what images are brought to; "auto" is what the weights say, else what suits the images.

    Raises:
        DataError: as of `data.load`, or data of another kind or, with "auto", another size than the weights take.
    """
    if start.preprocessing and size == "auto":
        dataset = data.load(source, size=start.preprocessing, **options)
    else:
        dataset = data.load(source, size=size, **options)
        seen = dataset.preprocessing
        if seen and start.channels not in (None, seen.channels):
            as_seen = data.Preprocessing(seen.height, seen.width, start.channels)
            dataset = data.load(source, size=as_seen, **options)
    _refuse_unlike(dataset, start)
    shape = tuple(next(iter(dataset.splits.values())).shape)
    if size == "auto" and len(shape) == 3 and shape != start.in_shape:  # one that was asked for may suit what is kept
        network = on_paper(start.model, shape, max(start.outputs, 1), start.head)
        refuse_other_size(start.states[0], network, start.model, start.source, start.in_shape)
    return dataset


def as_trained(start: Start, dataset: data.Dataset, device: str | torch.device = "cpu") -> Trained:
    """The pretrained network, to be evaluated on a data set that `data_for` gave.

    Weights that name no classes are taken to be of the data's classes, in their order: sorted, in a folder or a zip.

    Raises:
        DataError: another number of classes, or inputs that the network does not take. UsageError: no normalisation.
    """
    shape, classes = tuple(next(iter(dataset.splits.values())).shape), start.classes or dataset.classes
    if start.outputs != len(classes):
        found = f"{start.outputs} outputs" if start.outputs else "no head"
        what = f"{found} for the {len(classes)} classes of {dataset.name}"
        cure = "ravine finetune trains a new head for them"
        raise DataError(what, where=start.source, expected=f"{len(classes)} outputs", cure=cure)
    if start.classes is None and dataset.preprocessing is None:
        raise DataError("floats, whose scale the weights do not tell", where=dataset.name, expected="images, uint8")
    refuse_uncounted(start)
    about = {
        "classes": list(classes),
        "model": start.model,
        "head": start.head,
        "in_shape": list(shape),
        "members": len(start.states),
        "preprocessing": asdict(dataset.preprocessing) if dataset.preprocessing else None,
        "normalization": asdict(start.normalization) if start.normalization else None,
    }
    tensors = {}
    for k in range(len(start.states)):
        prefix = f"member{k:02d}/" if len(start.states) > 1 else ""
        with draws.own_generators():  # the initial weights, which are overwritten, are drawn
            network = building.network(start.model, shape, start.outputs, start.head)
        load_start(network, start, k)
        tensors |= {prefix + name: t.detach() for name, t in (*network.named_parameters(), *network.named_buffers())}
    return Trained(tensors, about, name=start.source, device=device)


def refuse_uncounted(start: Start) -> None:
    """Raises UsageError for a normalisation that is counted on training images: here nothing is trained."""
    if start.normalization is None:
        cure = "Say what the weights were trained with: imagenet, half, values([0.49, 0.48, 0.45], [0.25, 0.24, 0.26])"
        raise UsageError("needs training images, and here nothing is trained", where="--normalize data", cure=cure)


def order_said(dataset: data.Dataset) -> str:
    """That the file's outputs are taken to be the data's classes, in which order."""
    in_order = "sorted order" if list(dataset.classes) == sorted(dataset.classes) else "order"
    return f"the file names no classes: taken in the {in_order} of the data ({listed(dataset.classes, 10)})"


def _refuse_unlike(dataset: data.Dataset, start: Start) -> None:
    """Raises DataError where the weights cannot see this data at all."""
    split = next(iter(dataset.splits.values()))
    shape, floats = tuple(split.shape), dataset.preprocessing is None
    if start.in_shape is None:
        unlike = floats and len(shape) != 3
    else:
        unlike = len(shape) != len(start.in_shape) or (len(shape) == 1 and shape != start.in_shape)
        unlike = unlike or floats != (start.preprocessing is None)
    if unlike or (len(shape) == 3 and start.channels not in (None, shape[0])):
        kind = "numbers" if split.store.dtype != np.uint8 else "pixels"
        expected = str(start.in_shape) if start.in_shape else f"images with {start.channels} channels"
        raise DataError(f"examples of shape {shape} ({kind})", where=dataset.name, expected=expected)
