"""A file of weights of anybody's making, as tensors by name: safetensors, or PyTorch's own format (.pth, .pt, .th)."""

import textwrap
from collections.abc import Callable, Iterator, Mapping
from itertools import islice
from os import PathLike
from pathlib import Path
from typing import Any

import torch

from ravine.errors import DataError, listed
from ravine.transfer.torch_file import SAVED, from_torch

# under which names state dicts lie in files, the first that is there is taken
NESTS = (
    *("state_dict", "model_state_dict", "model_state", "model", "net", "network", "module", "weights", "params"),
    *("state_dict_ema", "model_ema", "ema_state_dict", "ema", "params_ema", "teacher", "student"),
)
_DEEPEST, _MOST_DICTS = 3, 1000
_LONGEST, _MOST_NAMES = 500, 100_000  # characters of a name, names: no network has more, and matching takes time
_MOST_GROWTH = 16  # times the file's bytes: float8 becomes 4 times as long, and a few tensors may share their numbers
_HALF = (torch.float16, torch.bfloat16, torch.float64, torch.float8_e4m3fn, torch.float8_e5m2)
_WHOLE = (torch.uint8, torch.int8, torch.int16, torch.int32, torch.int64, torch.bool)
Say = Callable[[str], None]


def read_state_dict(path: str | PathLike[str], say: Say = lambda sentence: None) -> dict[str, torch.Tensor]:
    """The weights in a file, on the CPU; floating point numbers as float32. Nothing in the file is ever executed.

    Args:
        path: what `torch.save(network.state_dict(), path)` wrote, a checkpoint that has such a state dict inside (under
            "state_dict", "model", ...), or safetensors. The contents decide, not the ending.
        say: is told, in a sentence each, what was taken out of several things, left or converted.

    Raises:
        DataError: nothing there; neither format; a pickle that asks for more than tensors; no tensors in it; a tensor
            that is sparse, quantized, complex or not finite.
    """
    path = Path(path)
    content = _content(path)
    if path.suffix.lower() == ".safetensors" or content[8:9] == b"{":
        found = _from_safetensors(content, path)
    else:
        found = _state_dict_in(from_torch(content, path), path, say)
    odd = [name for name, value in found.items() if not isinstance(value, torch.Tensor)]
    if odd:
        say(f"left {len(odd)} entries that are no tensors: {listed(odd)}")
    state = {name: value.detach() for name, value in found.items() if isinstance(value, torch.Tensor)}
    _refuse_excess(state, len(content), path)
    converted = sorted({_name(t.dtype) for t in state.values() if t.dtype in _HALF})
    state = {name: _plain(name, tensor, path) for name, tensor in state.items()}
    if converted:
        say(f"converted {' and '.join(converted)} to float32")
    return state


def _refuse_excess(state: Mapping[str, torch.Tensor], size: int, path: Path) -> None:
    """Raises DataError for what a file of that many bytes cannot mean: it would take memory or time without end."""
    longest = max(map(len, state), default=0)
    if longest > _LONGEST or len(state) > _MOST_NAMES:
        what = f"{len(state):,} names, the longest of {longest:,} characters"
        expected = f"at most {_MOST_NAMES:,} of {_LONGEST}"
        raise DataError(what, where=str(path), expected=expected)
    grown = sum(4 * tensor.numel() for tensor in state.values() if tensor.dtype in _HALF)
    if grown > _MOST_GROWTH * size:
        what = f"{len(state):,} tensors that share their numbers: {grown:,} bytes as float32, of a file of {size:,}"
        raise DataError(what, where=str(path), expected="tensors of their own", cure=f"Save them so: {SAVED}")


def _content(path: Path) -> bytes:
    if path.is_dir():
        raise DataError("a folder", where=str(path), expected="a weights file (.safetensors, .pth, .pt, .th)")
    try:
        return path.read_bytes()
    except OSError as error:
        raise DataError(f"cannot be read ({error.strerror or error})", where=str(path)) from error


def _from_safetensors(content: bytes, path: Path) -> dict[str, torch.Tensor]:
    import safetensors.torch

    try:
        return safetensors.torch.load(content)
    except Exception as error:  # SafetensorError, KeyError for a type that torch has not, ValueError, ...
        why = textwrap.shorten(str(error), 120)
        cure = "Download or write it again"
        raise DataError(f"not a valid safetensors file ({why})", where=str(path), cure=cure) from None


def _state_dict_in(content: Any, path: Path, say: Say) -> dict[str, Any]:
    """The state dict of a file: under a known name, else the dict with the most tensors."""
    found = dict(islice(_dicts(content, "", _DEEPEST, set()), _MOST_DICTS))
    if not found:
        what = f"holds no state dict but {_described(content)}"
        raise DataError(what, where=str(path), expected="tensors by name", cure=f"Save them so: {SAVED}")
    known = [next((name for name in found if name.split(".")[-1] == nest), None) for nest in NESTS]
    chosen = next((name for name in known if name), None)
    if chosen is None:
        chosen = max(found, key=lambda name: sum(isinstance(v, torch.Tensor) for v in found[name].values()))
    if chosen:
        others = [name for name in found if name not in ("", chosen)] + (
            [str(key) for key in content if key not in (*found, chosen.split(".")[0])]
        )
        beside = f" (beside it: {listed(others)})" if others else ""
        say(f"took {chosen!r} of {path.name}{beside}")
    return dict(found[chosen])


def _dicts(content: Any, name: str, depth: int, seen: set[int]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """All dicts with tensors under names, each once, by where they lie ("" is the file itself)."""
    if not isinstance(content, Mapping) or id(content) in seen:
        return
    seen.add(id(content))
    named = {str(key): value for key, value in content.items()}
    if any(isinstance(value, torch.Tensor) for value in named.values()):
        yield name, named
    if depth > 1:
        for key, value in named.items():
            yield from _dicts(value, f"{name}.{key}".lstrip("."), depth - 1, seen)


def _described(content: Any) -> str:
    if isinstance(content, Mapping):
        return f"a dict with {listed([str(key) for key in content])}" if content else "an empty dict"
    return f"a {type(content).__name__}"


def _plain(name: str, tensor: torch.Tensor, path: Path) -> torch.Tensor:
    """The tensor as float32, or whole numbers as they are. Raises DataError for what is no plain tensor."""
    kind = _oddity(tensor)
    if kind:
        cure = "Take the network's state_dict() as it was trained"
        raise DataError(f"{name} is {kind}", where=str(path), expected="plain tensors", cure=cure)
    if tensor.dtype in _WHOLE:
        return tensor
    tensor = tensor.to(torch.float32)
    if not tensor.isfinite().all():
        bad = int((~tensor.isfinite()).sum())
        what = f"{name} has {bad:,} of {tensor.numel():,} numbers NaN or infinite in float32"
        raise DataError(what, where=str(path), expected="finite weights", cure="Take a checkpoint from before it broke")
    return tensor


def _oddity(tensor: torch.Tensor) -> str:
    """Why it is no plain tensor; "" where it is."""
    if tensor.layout != torch.strided:
        return "sparse"
    if tensor.is_quantized:
        return "quantized"
    if tensor.device.type != "cpu" or tensor.is_nested or type(tensor) not in (torch.Tensor, torch.nn.Parameter):
        return "without numbers of its own" if tensor.device.type == "meta" else f"a {type(tensor).__name__}"
    if tensor.dtype not in (torch.float32, *_HALF, *_WHOLE):
        return f"of {_name(tensor.dtype)}"
    if tensor.numel() * tensor.element_size() > tensor.untyped_storage().nbytes():
        return f"{tensor.numel():,} numbers of which the file holds fewer"
    return ""


def _name(dtype: torch.dtype) -> str:
    return str(dtype).removeprefix("torch.")
