"""A file of PyTorch's own format (.pth, .pt, .th), read without running anything of it.

It is a pickle, which can ask for any code to be run. It is read by torch's reader for weights, which knows tensors,
numbers, text, lists and dicts, and refuses the rest before anything of it is imported.
"""

import io
import re
import struct
import warnings
import zipfile
from pathlib import Path
from typing import Any

import torch

from ravine.errors import DataError, MemoryExhaustedError, RavineError

SAVED = "torch.save(network.state_dict(), 'weights.pth')"
_TRUSTED = f"Where you trust it, load it where it was made, and save its weights alone: {SAVED}"


def from_torch(content: bytes, path: Path) -> Any:
    """What torch's reader for weights makes of the file. Raises DataError."""
    if re.match(rb"\s*[\x20-\x7e]{16}", content) and not content.startswith(b"PK"):
        cure = "Download it again: a web page or a pointer to the file (Git LFS) may lie in its place"
        raise DataError("text, and no weights", where=str(path), cure=cure)
    if content[257:262] == b"ustar":
        what = "in PyTorch's format of 2016 (tar), which cannot be read safely"
        raise DataError(what, where=str(path), cure=_TRUSTED)
    _refuse_packed(content, path)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of torch's own deprecations; the reader of old files meets them
            return torch.load(io.BytesIO(content), map_location="cpu", weights_only=True)
    except MemoryError as error:
        raise MemoryExhaustedError("no memory left to read the weights", where=str(path)) from error
    except Exception as error:  # UnpicklingError, RuntimeError, EOFError, and whatever a damaged pickle leads to
        raise _refused(str(error), content, path) from None


def _refuse_packed(content: bytes, path: Path) -> None:
    """Raises DataError for a zip that unpacks to more than it is: torch compresses programs alone, never weights."""
    if not content.startswith(b"PK"):
        return
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as file:
            entries = file.infolist()
    except (zipfile.BadZipFile, ValueError, OverflowError, NotImplementedError, struct.error):
        return  # torch says what it is
    unpacked = sum(entry.file_size for entry in entries)
    program = any(entry.filename.endswith("constants.pkl") for entry in entries)  # which torch will not read
    if unpacked > len(content) and not program:
        what = f"a compressed zip file ({len(content):,} bytes, unpacked {unpacked:,})"
        raise DataError(what, where=str(path), expected="torch.save's own, which is not compressed")


def _refused(why: str, content: bytes, path: Path) -> RavineError:
    """torch's paragraphs in one line."""
    if "allocate memory" in why:
        return MemoryExhaustedError("no memory left to read the weights", where=str(path))
    where, expected = str(path), "tensors by name, a state dict"
    if "TorchScript" in why or path.suffix.lower() == ".pt2":
        return DataError("a program, not weights", where=where, expected=expected, cure=_TRUSTED)
    if "Unsupported operand" in why and content.startswith((b"PK", b"\x80")):
        what = "a pickle of a kind that cannot be read safely, of which nothing was run"
        return DataError(what, where=where, expected=expected, cure=_TRUSTED)
    if "Weights only load failed" in why and "Unsupported operand" not in why:
        asked = re.search(r"GLOBAL ([\w.]+)", why)
        what = f"a pickle that asks for code{f' ({asked[1]})' if asked else ''}, of which nothing was run"
        return DataError(what, where=where, expected=expected, cure=_TRUSTED)
    return DataError("not a PyTorch weights file, or cut short or damaged", where=where, cure="Download it again")
