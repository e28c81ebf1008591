"""Reading pretrained weights: a run, a weights file of ravine's or of anybody's making, or a network of timm's."""

from typing import Any

from ravine import data, spec
from ravine.checkpoints import weights_file
from ravine.errors import UsageError, listed
from ravine.loading import sha256_of, weights_path
from ravine.pretrained.foreign import LIBRARIES, from_file, from_library
from ravine.pretrained.learned import learned_by
from ravine.pretrained.normalizing import normalization_named
from ravine.pretrained.start import Start
from ravine.training.feed import Normalization

_KIND = ("model", "head", "in_shape", "classes", "preprocessing", "normalization")


def is_foreign(source: str) -> bool:
    """Whether these are weights of others' making. Raises DataError where there is nothing at the path."""
    return source.startswith(LIBRARIES) or not weights_file.is_ours(weights_path(source))


def start_from(source: str, *, model: str = "auto", normalize: str = "auto") -> Start:
    """Reads pretrained weights.

    Args:
        source: a run's folder (its best weights), a weights file of ravine's or of others' making, timm:NAME or
            hf-hub:NAME.
        model: of a file of others' making; "auto" recognises ravine's models by names and shapes.
        normalize: as of `normalization_named`; "auto" is what the weights say of themselves, and ImageNet's for a file
            of others' making, which says nothing.

    Raises:
        DataError: nothing there, damaged, hostile, or weights of another network. UsageError: model or normalize.
    """
    if source.startswith(LIBRARIES):
        return from_library(source, model, normalize)
    return from_file(source, model, normalize) if is_foreign(source) else _from_ravine(source, model, normalize)


def _from_ravine(source: str, model: str, normalize: str) -> Start:
    """A run or a weights file of ravine's, which says itself what it is."""
    path = weights_path(source)
    tensors, about = weights_file.read(path)
    parts = about.get("parts", [about])
    first = parts[0]
    for name in _KIND:
        if any(part.get(name) != first.get(name) for part in parts):
            cure = "Give one of the runs that it was joined from"
            raise UsageError(f"joins networks of different {name}", where=source, expected="of one kind", cure=cure)
    if model != "auto" and spec.parse(model, flag="--model") != spec.parse(first["model"]):
        raise UsageError(f"{source} is of {first['model']}", where=f"--model {model}", cure="Leave --model out")
    shape, preprocessing = tuple(first["in_shape"]), first["preprocessing"]
    channels = shape[0] if len(shape) == 3 else None
    own = Normalization(*(tuple(first["normalization"][part]) for part in ("mean", "std")))
    pixels = channels if preprocessing else None
    asked = own if normalize == "auto" else normalization_named(normalize, channels=pixels)
    prefixes = _prefixes(about)
    members = f"{len(prefixes)} members of " if len(prefixes) > 1 else ""
    said = f"{source}: {members}{first['model']}, trained on {first['data']} ({listed(first['classes'], 10)})"
    other = f"normalised by {normalize}, as asked for, and not as these weights were trained"
    return Start(
        source=source,
        model=first["model"],
        states=tuple({n.removeprefix(p): _single(t) for n, t in tensors.items() if n.startswith(p)} for p in prefixes),
        head=first.get("head", "linear"),
        normalization=asked,
        preprocessing=data.Preprocessing(**preprocessing) if preprocessing else None,
        channels=channels,
        in_shape=shape,
        classes=tuple(first["classes"]),
        outputs=len(first["classes"]),
        sha256=sha256_of(path),
        said=(said,) if asked == own else (said, other),
        learned=tuple(learned_by(part, source) for part in parts for _ in range(part["members"])),
    )


def _prefixes(about: dict[str, Any]) -> list[str]:
    """What stands before the names of each network's tensors."""
    parts = [(f"part{i:02d}/", part) for i, part in enumerate(about["parts"])] if "parts" in about else [("", about)]
    return [
        of + (f"member{k:02d}/" if part["members"] > 1 else "") for of, part in parts for k in range(part["members"])
    ]


def _single(tensor: Any) -> Any:
    return tensor.float() if tensor.is_floating_point() else tensor  # an export may hold half precision
