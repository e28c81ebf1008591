"""From a path to the trained network behind it."""

import hashlib
from os import PathLike
from pathlib import Path
from typing import Any

from ravine.checkpoints import weights_file
from ravine.checkpoints.run_folder import RunFolder
from ravine.devices import device_named
from ravine.ensemble import Ensemble
from ravine.errors import DataError, UsageError, did_you_mean
from ravine.trained import Trained


def load(path: str | PathLike[str], *, use: str = "best", device: str = "cpu") -> Trained | Ensemble:
    """The trained network of a run folder or a weights file, in eval mode; an `Ensemble` where the file joins several.

    Args:
        path: a run folder (then `use` says which weights, "best" or "last") or a `.safetensors` file.
        device: where it runs: cpu, cuda, auto.

    Raises:
        DataError: nothing there, damaged, or not written by ravine. UsageError: `use` is neither best nor last.
    """
    file = weights_path(path, use)
    tensors, about = weights_file.read(file)
    if "parts" in about:
        return Ensemble.read(tensors, about, str(file), device_named(device))
    return Trained(tensors, about, name=str(file), device=device_named(device))


def network_of(given: Any, where: str) -> Trained | Ensemble:
    """The network meant by itself, by a run (its best weights) or by a path. Raises as `load`, or UsageError."""
    network = load(given) if isinstance(given, str | PathLike) else getattr(given, "best", given)
    if not isinstance(network, Trained | Ensemble):
        raise UsageError(f"{type(given).__name__} is no network", where=where, expected="a network, a run or a path")
    return network


def sha256_of(file: Path) -> str:
    """Of the whole file, in hex. Raises OSError."""
    with file.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()


def weights_path(path: str | PathLike[str], use: str = "best") -> Path:
    """The weights file that `path` means. Raises DataError where a run folder has none yet."""
    if use not in ("best", "last"):
        raise UsageError(f"no {use!r} weights", where="use", cure=did_you_mean(use, ("best", "last")))
    path = Path(path)
    if not path.exists():
        raise DataError("no such run folder or weights file", where=str(path))
    if not path.is_dir():
        return path
    folder = RunFolder(path)
    weights = {"best": folder.best_weights, "last": folder.last_weights}[use]
    if not weights.is_file():
        raise DataError(f"has no {use} weights", where=str(path), expected="a run folder whose training has saved once")
    return weights
