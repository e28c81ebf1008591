"""One self-describing weights file: a safetensors file that any tool loads, and that says what it is for.

The header's metadata has `"format": "pt"` (others' convention) and `"ravine"`: JSON of the format version, a SHA-256
and `about` (classes, preprocessing, recipe, ...). The SHA-256 is taken over the whole file with zeros in its own place,
so a flipped bit is found in a name or in `about` as surely as in a weight.
"""

import hashlib
import io
import json
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from ravine.checkpoints import atomic
from ravine.checkpoints.durable import saving
from ravine.checkpoints.records import dumps
from ravine.errors import DataError

if TYPE_CHECKING:
    import torch

_FORMAT = 1
_BLANK = "0" * 64
_SCORED = "ravine evaluate scores it on data, ravine finetune trains it for yours"
_LONGEST_HEADER = 100_000_000  # the safetensors library's own limit


def write(path: Path, tensors: Mapping[str, "torch.Tensor"], about: Mapping[str, Any]) -> None:
    """Writes `path` atomically.

    Args:
        tensors: of any device and layout.
        about: JSON with string keys; NaN becomes null.

    Raises:
        SaveError: the file system refused; what was at `path` is untouched.
        UsageError: a tensor whose type safetensors does not have.
    """
    from ravine.checkpoints import safetensors_writer  # imports torch

    def header(digest: str) -> bytes:
        ours = dumps({"format": _FORMAT, "sha256": digest, "about": about})
        return safetensors_writer.header(tensors, {"format": "pt", "ravine": ours})

    body = list(safetensors_writer.data(tensors))
    digest = hashlib.sha256(header(_BLANK))
    for chunk in body:
        digest.update(chunk)
    with saving(path):
        atomic.write(path, [header(digest.hexdigest()), *body])


def read(path: Path) -> tuple[dict[str, "torch.Tensor"], dict[str, Any]]:
    """The tensors (on the CPU) and `about` of a verified file. Nothing in the file is ever executed.

    Raises:
        DataError: missing, not a safetensors file, cut short, damaged, not written by ravine, or of another version.
    """
    import safetensors.torch
    from safetensors import SafetensorError

    with _open(path) as file:
        content = file.read()
    header, ours = _read_header(io.BytesIO(content), path)
    digest = hashlib.sha256(header.replace(ours["sha256"].encode(), _BLANK.encode(), 1))
    digest.update(memoryview(content)[len(header) :])
    if digest.hexdigest() != ours["sha256"]:
        raise DataError("the weights file is damaged (SHA-256 differs)", where=str(path), cure="Copy or write it again")
    try:
        return safetensors.torch.load(content), ours["about"]
    except (SafetensorError, KeyError, ValueError) as error:
        raise DataError(f"not a valid safetensors file ({error})", where=str(path)) from error


def read_about(path: Path) -> dict[str, Any]:
    """`about`, from the header alone: quick, without torch, and the weights are not verified. Raises as `read`."""
    with _open(path) as file:
        return _read_header(file, path)[1]["about"]


def is_ours(path: Path) -> bool:
    """Whether ravine wrote the file, damaged or not, from its header; without torch. Raises DataError: no such file."""
    with _open(path) as file:
        length = int.from_bytes(file.read(8), "little")
        text = file.read(min(length, _LONGEST_HEADER))
    return text.startswith(b'{"__metadata__"') and b'"ravine":' in text.partition(b"}")[0]


def _open(path: Path) -> BinaryIO:
    try:
        if path.exists() and not path.is_file():
            raise DataError("not a file", where=str(path), expected="a weights file such as weights/best.safetensors")
        return path.open("rb")
    except OSError as error:
        raise DataError(f"cannot be read ({error.strerror})", where=str(path)) from error


def _read_header(file: BinaryIO, path: Path) -> tuple[bytes, dict[str, Any]]:
    """The header's bytes with the 8 of its length, and the checked content of its `ravine` entry."""
    size = file.seek(0, os.SEEK_END)
    file.seek(0)
    start = file.read(8)
    length = int.from_bytes(start, "little")
    if len(start) < 8 or length > min(size - 8, _LONGEST_HEADER):
        raise _not_safetensors(path)
    text = file.read(length)
    try:
        entries = json.loads(text)
        metadata = entries.pop("__metadata__", {})
        expected_size = 8 + length + max((entry["data_offsets"][1] for entry in entries.values()), default=0)
        ours = json.loads(metadata["ravine"]) if "ravine" in metadata else None
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
        raise _not_safetensors(path) from None
    if ours is None:
        cure = f"It names no classes: {_SCORED}; safetensors.torch.load_file gives its tensors"
        raise DataError("a safetensors file that ravine did not write", where=str(path), cure=cure)
    if not isinstance(ours, dict) or ours.get("format") != _FORMAT:
        version = ours.get("format") if isinstance(ours, dict) else None
        raise DataError(f"weights format {version!r}", where=str(path), expected=str(_FORMAT), cure="Update ravine")
    if not isinstance(ours.get("about"), dict) or not re.fullmatch("[0-9a-f]{64}", str(ours.get("sha256"))):
        raise DataError("the weights file is damaged (header)", where=str(path), cure="Copy or write it again")
    if size != expected_size:
        what = f"the weights file has {size:,} bytes instead of {expected_size:,}"
        raise DataError(what, where=str(path), cure="Copy or write it again")
    return start + text, ours


def _not_safetensors(path: Path) -> DataError:
    if path.suffix.lower() in (".pth", ".pt", ".th"):
        return DataError("PyTorch's own file, which names no classes", where=str(path), cure=_SCORED)
    cure = "Files of other kinds (.ckpt, .h5) have to be converted to safetensors first"
    return DataError("not a safetensors file, or cut short", where=str(path), cure=cure)
