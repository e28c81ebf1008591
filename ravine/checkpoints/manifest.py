"""The seal of a checkpoint: which step it is, and the size and SHA-256 of each of its files.

    {"format": 1, "step": 1234, "files": {"tensors.safetensors": {"size": 4096, "sha256": "..."}, "state.json": {...}}}

The manifest is compared, never obeyed: no file name, size or type that it holds decides what is opened or allocated.
"""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

NAME = "MANIFEST.json"
_FORMAT = 1
_LONGEST = 10_000  # bytes; ours has about 300


def text(step: int, files: Mapping[str, tuple[int, str]]) -> bytes:
    """The manifest of a checkpoint of `step` whose `files` map name -> (size in bytes, SHA-256 in hex)."""
    sealed = {name: {"size": size, "sha256": digest} for name, (size, digest) in files.items()}
    return json.dumps({"format": _FORMAT, "step": step, "files": sealed}).encode()


def damage(folder: Path, step: int, names: tuple[str, ...]) -> str:
    """What is wrong with the checkpoint in `folder`, in words; "" for a whole one.

    Whole: of this `step`, with exactly the files `names`, each read back and hashed byte by byte.
    """
    try:
        sealed = _read(folder / NAME)
        if sealed.get("format") != _FORMAT:
            return f"{NAME} cannot be read, or is not of format {_FORMAT}"
        if sealed.get("step") != step:
            return f"{NAME} is of step {sealed.get('step')!r}: renamed or swapped"
        files = sealed.get("files")
        if not isinstance(files, dict) or sorted(files) != sorted(names):
            return f"{NAME} does not list exactly {', '.join(names)}"
        wrong = (_file_damage(folder / name, files[name]) for name in names)
        return next(filter(None, wrong), "")
    except OSError as error:
        return f"cannot be read ({error})"


def _file_damage(path: Path, seal: Any) -> str:
    if not path.is_file():
        return f"{path.name} is missing"
    expected = seal.get("size") if isinstance(seal, dict) else None
    size = path.stat().st_size
    if size != expected:
        return f"{path.name} has {size} bytes instead of {expected!r}"
    with path.open("rb") as file:
        same = seal.get("sha256") == hashlib.file_digest(file, "sha256").hexdigest()
    return "" if same else f"{path.name} is damaged (SHA-256 differs)"


def _read(path: Path) -> dict[str, Any]:
    if not path.is_file():
        return {}
    with path.open("rb") as file:
        content = file.read(_LONGEST + 1)
    try:
        sealed = json.loads(content) if len(content) <= _LONGEST else None
    except (ValueError, RecursionError):
        sealed = None
    return sealed if isinstance(sealed, dict) else {}
