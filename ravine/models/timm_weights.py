"""Pretrained weights from timm: named in its own list, or lying on the Hugging Face hub in timm's manner.

They are fetched by timm itself, once; after that its caches are enough (HF_HOME, TORCH_HOME; HF_HUB_OFFLINE=1 asks for
nothing else). Nothing that comes from the hub is executed: of a repository's own description only the name of a network
in timm's list, its number of outputs, input size, mean and standard deviation are taken.
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, NamedTuple

import torch

from ravine import draws
from ravine.errors import DataError, RavineError, UsageError, did_you_mean
from ravine.models.timm_door import check_architecture, library

TIMM, HUB = "timm:", "hf-hub:"
_REPOSITORY = re.compile(r"[\w.-]+/[\w.-]+(@[\w./-]+)?")
# Arguments that say what the network is made for, which shows in its weights, or what is dropped in training
_HARMLESS = {"img_size", "in_chans", "num_classes", "drop_rate", "drop_path_rate", "proj_drop_rate", "attn_drop_rate"}


class TimmWeights(NamedTuple):
    """What was found.

    Attributes:
        model: the network as ravine writes it: 'timm("resnet18")'.
        state: the weights, by the network's own names.
        mean, std: what the pixels, as 0..1, are brought to; one number a channel.
        input_size: (C, H, W) of the images it was trained on.
        name: the weights' full name, with the tag: "timm:resnet18.a1_in1k".
    """

    model: str
    state: dict[str, torch.Tensor]
    mean: tuple[float, ...]
    std: tuple[float, ...]
    input_size: tuple[int, int, int]
    name: str


def timm_weights(source: str) -> TimmWeights:
    """Fetches pretrained weights, or takes them from the cache.

    Args:
        source: "timm:resnet18" (timm's first choice of weights), "timm:resnet18.a1_in1k", or "hf-hub:OWNER/NAME", which
            may end in "@REVISION".

    Raises:
        UsageError: timm is not installed, or knows no such name. DataError: no network and not in the cache, no such
            repository, or one that timm cannot read.
    """
    timm = library()
    if source.startswith(HUB):
        architecture, about, name = _of_repository(source)
    else:
        name = _full_name(source.removeprefix(TIMM), source)
        architecture, about = name.partition(".")[0], timm.models.get_pretrained_cfg(name)
        name = TIMM + name
    with _fetching(source), draws.own_generators():  # the initial weights, which are overwritten, are drawn
        network = timm.create_model(architecture, pretrained=True, pretrained_cfg=about.to_dict())
    state = {key: tensor.detach() for key, tensor in network.state_dict().items()}
    model = f'timm("{architecture}")'
    return TimmWeights(model, state, tuple(about.mean), tuple(about.std), tuple(about.input_size), name)


def _full_name(name: str, source: str) -> str:
    """ "resnet18" -> "resnet18.a1_in1k", timm's first choice; what has a tag stays. UsageError where there is none."""
    architecture, _, tag = name.partition(".")
    check_architecture(architecture, source)
    timm = library()
    tagged = timm.list_pretrained(architecture)
    if not tagged:
        cure = did_you_mean(architecture, {known.partition(".")[0] for known in timm.list_pretrained()})
        cure = cure if cure.startswith("Did") else "python -c 'import timm; print(timm.list_pretrained())' lists those"
        raise UsageError("timm has no pretrained weights of it", where=source, cure=cure)
    first = timm.models.get_pretrained_cfg(architecture).tag
    chosen = name if tag or not first else f"{architecture}.{first}"
    if chosen not in tagged:
        found = f"no pretrained weights under {tag!r}" if tag else "the network's first choice has no weights"
        raise UsageError(found, where=source, expected=", ".join(TIMM + known for known in tagged))
    return chosen


def _of_repository(source: str) -> tuple[str, Any, str]:
    """The network, timm's description of it with what the repository says, and the weights' name."""
    repository = source.removeprefix(HUB)
    if not _REPOSITORY.fullmatch(repository):
        raise UsageError(
            "no such repository", where=source, expected="hf-hub:OWNER/NAME, such as timm/resnet18.a1_in1k"
        )
    timm = library()
    with _fetching(source):
        said, architecture, arguments = timm.models.load_model_config_from_hf(repository)
        check_architecture(architecture, source)
        if changed := sorted(set(arguments) - _HARMLESS):
            found = f"its {architecture} differs from timm's own in {', '.join(changed)}"
            raise UsageError(found, where=source, expected="a network that a name describes")
        own = timm.models.get_pretrained_cfg(architecture)
        size = tuple(map(int, said.get("input_size", own.input_size)))
        mean, std = (tuple(map(float, said.get(part, getattr(own, part)))) for part in ("mean", "std"))
        ranges = [0 <= m <= 1 for m in mean] + [1e-4 <= s <= 1 for s in std] + [1 <= n <= 4096 for n in size]  # no NaN
        if not len(mean) == len(std) == size[0] == len(size) == 3 or not all(ranges):
            raise ValueError(f"input_size {size}, mean {mean}, std {std}")
        about = {
            "input_size": size,
            "mean": mean,
            "std": std,
            "num_classes": int(said.get("num_classes", own.num_classes)),
        }
        about["label_offset"] = int(said.get("label_offset") or 0)
    nowhere = {"url": None, "file": None, "hf_hub_filename": None, "custom_load": False}
    return architecture, replace(own, **about, **nowhere, hf_hub_id=repository, source="hf-hub"), source


@contextmanager
def _fetching(source: str) -> Iterator[None]:
    """Inside the block whatever timm and the hub raise becomes one line."""
    try:
        yield
    except RavineError:
        raise
    except Exception as error:
        kinds, reason = {kind.__name__ for kind in type(error).__mro__}, getattr(error, "strerror", None)
        if kinds & {"RepositoryNotFoundError", "RevisionNotFoundError", "GatedRepoError"}:
            what, cure = "not on the Hugging Face hub, or not for everybody", "Look for it on huggingface.co/timm"
        elif "LocalEntryNotFoundError" in kinds or isinstance(error, OSError) and "HfHubHTTPError" not in kinds:
            what = f"cannot be fetched{f' ({reason})' if reason else ''}, and is not in the cache"
            cure = "Connect to the network once, or copy the cache of a machine that has it (HF_HOME, TORCH_HOME); a "
            cure += "weights file of your own needs none"
        else:
            what, cure = f"cannot be fetched or read ({type(error).__name__}: {error})", ""
        raise DataError(what, where=source, cure=cure) from error
