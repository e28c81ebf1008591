"""Verified atomic checkpoints: a kill, a full disk or a flipped bit at any moment leaves one that can be trusted.

    step-000001400/   tensors.safetensors, state.json, MANIFEST.json
    LATEST            the name of the newest, so that its loss is noticed

A save fills a folder under a temporary name, syncs each file and then the manifest with their hashes, and renames it
into place; with the rename the checkpoint exists. An older one is deleted only after `keep` newer ones are good: the
new one, hashed while it was written, and its predecessors, read back and hashed again. (Reading the new one back at
once would show the system's memory, not the disk.) One process writes in a folder, which the run folder's lock sees to;
so every temporary that a save finds is what a kill left.
"""

import hashlib
import json
import re
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load as load_safetensors

from ravine.checkpoints import atomic, manifest, safetensors_writer
from ravine.checkpoints.durable import Chunks, saving, sync_folder, write_synced
from ravine.errors import CheckpointError, UsageError

_TENSORS, _STATE, _LATEST = "tensors.safetensors", "state.json", "LATEST"
_TEMPORARY = ".tmp-"
_ASIDE = ".old-"  # replaced or about to be deleted; sorts before "step-"


def failpoint(name: str) -> None:
    """Does nothing; tests put a function here that kills the process at the named moment of a save."""


@dataclass(frozen=True)
class Loaded:
    """A verified checkpoint; `damaged` has a line for each newer one that failed or was lost."""

    path: Path
    step: int
    tensors: dict[str, torch.Tensor]
    state: dict[str, Any]
    damaged: tuple[str, ...]


def save(
    folder: Path, step: int, tensors: Mapping[str, torch.Tensor], state: Mapping[str, Any], *, keep: int = 2
) -> Path:
    """Saves a checkpoint of `step` (>= 0), then deletes older ones except the `keep` (>= 1) newest that verify.

    A checkpoint of the same step is replaced. One of a later step is left alone: it is what could not be loaded.

    Args:
        tensors: of any device and layout; `load_newest` gives them on the CPU, with equal bits.
        state: JSON with string keys; NaN and infinities come back as they are.

    Raises:
        SaveError: the file system refused; the checkpoints that were there are untouched.
        UsageError: a tensor whose type safetensors does not have.
    """
    if step < 0 or keep < 1:
        raise UsageError("impossible", where=f"step={step}, keep={keep}", expected="step >= 0 and keep >= 1")
    final = folder / _name(step)
    temporary = folder / (_TEMPORARY + final.name)
    content = {
        _TENSORS: chain([safetensors_writer.header(tensors)], safetensors_writer.data(tensors)),
        _STATE: [json.dumps(state).encode()],
    }
    with saving(folder):
        newest = [path.name for _, path in _candidates(folder)[:1]]
    with saving(final, kept=newest):
        _prepare(folder)
        try:
            temporary.mkdir()
            _fill(temporary, step, content)
            failpoint("before-rename")
            if final.exists():
                _set_aside(final)
                failpoint("mid-replace")
            temporary.rename(final)
            sync_folder(folder)
        finally:
            shutil.rmtree(temporary, ignore_errors=True)
        failpoint("before-pointer")
        atomic.write(folder / _LATEST, [f"{final.name}\n".encode()])
        _delete_older(folder, step, keep)
    return final


def load_newest(folder: Path) -> Loaded | None:
    """The newest checkpoint that verifies, or None where there never was one. Writes and executes nothing.

    Raises:
        CheckpointError: there are checkpoints, or LATEST says that there were, and none verifies.
    """
    try:
        candidates = _candidates(folder)
        damaged = _lost(folder, candidates)
    except OSError as error:
        raise CheckpointError(f"cannot be read ({error.strerror})", where=str(folder)) from error
    for step, path in candidates:
        wrong = manifest.damage(path, step, (_TENSORS, _STATE))
        if not wrong:
            try:
                return Loaded(path, step, *_read(path), tuple(damaged))
            except (OSError, ValueError, LookupError, RecursionError, SafetensorError) as error:
                wrong = f"its content cannot be read ({error})"
        damaged.append(f"{path.name}: {wrong}")
    if damaged:
        cure = "Restore one from a copy, or start anew with --fresh"
        raise CheckpointError(f"no checkpoint can be verified: {'; '.join(damaged)}", where=str(folder), cure=cure)
    return None


def _name(step: int) -> str:
    return f"step-{step:09d}"


def _candidates(folder: Path) -> list[tuple[int, Path]]:
    """(step, path) of all checkpoints, newest first. One set aside stands in where a kill left none in its place."""
    found = {}
    for path in sorted(folder.iterdir()) if folder.is_dir() else ():
        match = re.fullmatch(r"(?:\.old-)?(step-([0-9]{9,18}))", path.name)
        if match and match[1] == _name(int(match[2])) and path.is_dir():
            found[int(match[2])] = path  # the name without .old- comes later, and wins
    return sorted(found.items(), reverse=True)


def _read(path: Path) -> tuple[dict[str, torch.Tensor], dict[str, Any]]:
    # from bytes: load_file would map the file, and what is changed there later would change in the tensors
    return load_safetensors((path / _TENSORS).read_bytes()), dict(json.loads((path / _STATE).read_bytes()))


def _lost(folder: Path, candidates: list[tuple[int, Path]]) -> list[str]:
    try:
        pointed = (folder / _LATEST).read_bytes()[:100].decode(errors="replace").strip()
    except FileNotFoundError:
        return []
    return [] if pointed in [_name(step) for step, _ in candidates] else [f"{_LATEST} names {pointed!r}, which is gone"]


def _prepare(folder: Path) -> None:
    if not folder.is_dir():
        folder.mkdir(parents=True)
        sync_folder(folder.parent)
    for leftover in folder.glob(f"{_TEMPORARY}*"):
        shutil.rmtree(leftover)


def _fill(temporary: Path, step: int, content: Mapping[str, Chunks]) -> None:
    seals = {}
    for name, chunks in content.items():
        digest = hashlib.sha256()
        write_synced(temporary / name, _watched(chunks, digest.update))
        seals[name] = ((temporary / name).stat().st_size, digest.hexdigest())
    failpoint("before-manifest")
    write_synced(temporary / manifest.NAME, [manifest.text(step, seals)])
    sync_folder(temporary)


def _watched(chunks: Chunks, see: Callable[[bytes | memoryview], None]) -> Chunks:
    failpoint("after-open")
    for chunk in chunks:
        see(chunk)
        yield chunk
        failpoint("mid-write")
    failpoint("before-fsync")


def _delete_older(folder: Path, step: int, keep: int) -> None:
    good = 1  # the one just saved
    for older, path in _candidates(folder):
        if older >= step or path.name.startswith(_ASIDE):
            continue
        if good == keep:
            _set_aside(path)
        else:
            good += not manifest.damage(path, older, (_TENSORS, _STATE))
    for aside in folder.glob(f"{_ASIDE}*"):
        _delete(aside)


def _set_aside(path: Path) -> None:
    """Renames before anything is deleted, so that a half-deleted folder never bears a checkpoint's name."""
    aside = path.with_name(_ASIDE + path.name)
    if aside.exists():
        _delete(aside)
    path.rename(aside)


def _delete(aside: Path) -> None:
    (aside / manifest.NAME).unlink(missing_ok=True)
    failpoint("mid-delete")
    shutil.rmtree(aside)
