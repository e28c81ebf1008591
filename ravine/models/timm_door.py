"""The door to timm (Wightman 2019, github.com/huggingface/pytorch-image-models): its networks by name.

Only what stands in timm's own list is built, always with random weights: a name that was read from a file can neither
download nor import anything. timm is an extra; it is imported when the first of its networks is asked for.
"""

from importlib import import_module
from types import ModuleType

import torch
from torch import nn

from ravine.errors import UsageError, did_you_mean
from ravine.models.checks import check_image

OLDEST = (1, 0, 27)  # older ones unpickle what some of their weights files hold


def timm_network(in_shape: tuple[int, ...], classes: int, name: str) -> nn.Module:
    """A network of timm's, with random weights; maps float32 [B, C, H, W] to logits [B, classes].

    Networks that are made for one size (transformers, mostly) are made for the size of the images.

    Args:
        in_shape: (C, H, W), of a size that the network takes.
        classes: number of classes.
        name: in timm's list, without a tag: "resnet18", "vit_tiny_patch16_224", "convnext_atto".

    Raises:
        UsageError: timm is not installed, has no such network, or it cannot take such images; a network of two heads.
    """
    timm, where = library(), f"model timm({name!r})"
    check_architecture(name, where)
    channels, height, width = check_image(where.removeprefix("model "), in_shape, least=1)
    own = timm.models.get_pretrained_cfg(name)
    sized = {"img_size": (height, width)} if own.fixed_input_size else {}
    try:
        network = timm.create_model(name, pretrained=False, num_classes=classes, in_chans=channels, **sized)
        if (height, width) != tuple(own.input_size[1:]):
            _try(network, in_shape, classes)
    except (RuntimeError, ValueError, TypeError, AssertionError, IndexError, ZeroDivisionError) as error:
        found = f"cannot take images of {height}x{width} pixels ({str(error) or type(error).__name__})"
        made = max(own.input_size[1:])
        raise UsageError(found, where=where, cure=f"It was made for {made} pixels a side (--size {made})") from None
    return network


def timm_input(name: str) -> tuple[tuple[int, int, int], str]:
    """(C, H, W) of the images that a network was made for, and the name of the convolution that meets them first.

    Raises:
        UsageError: as `timm_network`.
    """
    check_architecture(name, f"model timm({name!r})")
    own = library().models.get_pretrained_cfg(name)
    first = own.first_conv or ""
    return tuple(own.input_size), first if isinstance(first, str) else first[0]


def library() -> ModuleType:
    """timm itself.

    Raises:
        UsageError: it is not installed, too old, or does not start.
    """
    try:
        timm = import_module("timm")
    except ModuleNotFoundError as error:
        found = "timm is not installed" if error.name == "timm" else f"timm needs {error.name}, which is not installed"
    except (ImportError, RuntimeError, AttributeError, OSError) as error:  # a torchvision of another torch
        found = f"timm does not start ({error})"
    else:
        if tuple(int(part) for part in timm.__version__.split(".")[:3] if part.isdigit()) >= OLDEST:
            return timm
        found = f"timm {timm.__version__} is too old, {'.'.join(map(str, OLDEST))} or newer is needed"
    cure = f'Install it: pip install "ravine[timm]"; its torchvision has to fit torch {torch.__version__}'
    raise UsageError(found, cure=cure)


def check_architecture(name: object, where: str) -> None:
    """UsageError where timm's own list has no such network, or it has more than one head."""
    timm = library()
    known = timm.list_models()
    if not isinstance(name, str) or name not in known:
        raise UsageError(f"timm has no network {name!r}", where=where, cure=_meant(str(name), known))
    heads = timm.models.get_pretrained_cfg(name).classifier
    if isinstance(heads, list | tuple):
        found = f"{name} has several heads ({', '.join(heads)}), that are trained in a way of their own"
        plain = name.replace("_distilled", "").replace("_dist", "")
        cure = f"Take {plain}" if plain != name and plain in known else ""
        raise UsageError(found, where=where, expected="a network with one head", cure=cure)


def _meant(name: str, known: list[str]) -> str:
    """What to write instead; timm's list has more than a thousand names, which are not printed."""
    plain, dot, tag = name.partition(".")
    if plain in known and dot:
        return f"The tag {tag!r} names weights, not a network: timm({plain!r}), or --pretrained timm:{name}"
    if now := library().models.get_deprecated_models().get(plain):
        return f"It is now called {now.partition('.')[0]!r}"
    if plain and (longer := [one for one in known if one.startswith(plain)]):
        return f"There are {', '.join(longer[:5])}{', ...' if len(longer) > 5 else ''}"
    guess = did_you_mean(plain, known)
    return guess if guess.startswith("Did") else "python -c 'import timm; print(timm.list_models())' lists them"


@torch.no_grad()
def _try(network: nn.Module, in_shape: tuple[int, ...], classes: int) -> None:
    """One image through it, since timm does not say which sizes a network takes. Raises ValueError, or as it does."""
    patch = getattr(getattr(network, "patch_embed", None), "patch_size", None) or 1
    sides = patch if isinstance(patch, tuple) else (patch, patch)
    if any(pixels % side for pixels, side in zip(in_shape[1:], sides, strict=True)):
        raise ValueError(f"its patches of {sides[0]}x{sides[1]} would leave some out")
    logits = network.eval()(torch.zeros(1, *in_shape))
    network.train()
    if tuple(logits.shape) != (1, classes):
        raise ValueError(f"it gives {tuple(logits.shape)} and not {(1, classes)}")
