"""`export`: the files are made, read again, compared with ravine, and only then put where they were asked for."""

import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np

from ravine.checkpoints import atomic
from ravine.checkpoints.durable import saving
from ravine.checkpoints.run_folder import RunFolder
from ravine.ensemble import Ensemble
from ravine.errors import RavineError, UsageError
from ravine.exporting import onnx_file, safetensors_file, torch_file
from ravine.exporting.card import card, input_name
from ravine.exporting.deployed import traced
from ravine.exporting.parity import Answer, Parity, parity, timed
from ravine.exporting.rows import random_rows
from ravine.loading import network_of
from ravine.trained import Trained

Name = str | PathLike[str]
ENDINGS = {"out": ".safetensors", "onnx": ".onnx", "torch": ".pt2"}
TOLERANCE, TOLERANCE_HALF = 1e-4, 1e-2  # of a probability


@dataclass(frozen=True)
class Exported:
    """A file that was written.

    Attributes:
        path, size: where it is, and its bytes.
        replaced: whether there was a file of that name before.
        parity: what it says against what ravine says.
        seconds, ravine_seconds: that the rows of the check took in one batch, by the file and by ravine.
    """

    path: Path
    size: int
    replaced: bool
    parity: Parity
    seconds: float
    ravine_seconds: float


def export(
    network: Any,
    out: Name | None = None,
    *,
    onnx: Name | None = None,
    torch: Name | None = None,
    half: bool = False,
    rows: np.ndarray | None = None,
) -> list[Exported]:
    """Writes a network, or K of them and their vote, as one file for use elsewhere.

        >>> export(ravine.load("runs/photos"), onnx="photos.onnx")  # doctest: +SKIP

    Each file is read again and compared with `network` on `rows`; nothing is written unless all agree, to 1e-4 of a
    probability (with `half` 1e-2). A file that is there already is replaced.

    Args:
        network: a network, a run (then its best weights) or a path, as `ravine.load` takes.
        out: a `.safetensors` file, ravine's own.
        onnx: an `.onnx` file: raw uint8 images `[N, C, H, W]` (or float32 rows, as in training) to probabilities
            `[N, classes]`, normalisation inside. Needs the extra `ravine[onnx]`.
        torch: a `.pt2` file of PyTorch, with the same input and output.
        half: weights as float16.
        rows: raw rows as they lie in a data set and as the first network sees them, at least one; 256 random ones
            where None.

    Returns:
        What was written, in the order out, onnx, torch.

    Raises:
        UsageError: no file asked for, an ending that is not its kind's, a place inside a run's weights, a missing
            package, weights beyond float16, an ensemble whose networks see different shapes (`onnx` and `torch`).
        SaveError: a file cannot be written.
        RavineError: a file and ravine disagree.
    """
    paths = checked_paths(out=out, onnx=onnx, torch=torch)
    network = network_of(network, "export")
    rows = random_rows(network, 256)[0] if rows is None else np.asarray(rows)
    shape = network.parts[0].in_shape
    if rows.shape[1:] != shape:
        expected = f"[N, {', '.join(map(str, shape))}]"
        raise UsageError(f"rows to compare on of shape {rows.shape}", where="export", expected=expected)
    if not len(rows):
        raise UsageError("no rows to compare on", where="export", expected="1 or more")
    expected = network.probabilities(rows)
    rows = rows if rows.dtype == np.uint8 else rows.astype(np.float32)
    ravine_seconds = timed(network.probabilities, rows)
    with tempfile.TemporaryDirectory() as folder:
        made = {kind: Path(folder) / f"model{ending}" for kind, ending in ENDINGS.items() if kind in paths}
        answering = _written(network, made, half)
        compared = {kind: _compared(read(made[kind]), rows, expected) for kind, read in answering.items()}
        for kind, (found, _) in compared.items():
            _check(found, paths[kind], half)
        return [
            Exported(path, made[kind].stat().st_size, _placed(made[kind], path), *compared[kind], ravine_seconds)
            for kind, path in paths.items()
        ]


def checked_paths(**named: Name | None) -> dict[str, Path]:
    """The files asked for, by "out", "onnx" and "torch". Raises as `export`, before any work is done."""
    paths = {kind: Path(name) for kind, name in named.items() if name is not None}
    if not paths:
        raise UsageError("no file to write", where="export", expected="-o FILE, --onnx FILE, --torch FILE, or several")
    for kind, path in paths.items():
        if path.suffix.lower() != ENDINGS[kind]:
            raise UsageError("unknown ending", where=f"--{kind} {path}", expected=ENDINGS[kind])
    if "onnx" in paths:
        onnx_file.check_installed()
    for path in paths.values():
        check_place(path)
    return paths


def check_place(path: Path) -> None:
    """Raises SaveError where no file can be written, UsageError where it would be among a run's weights."""
    with saving(path):
        if path.is_dir():
            raise IsADirectoryError("is a folder")
        with tempfile.NamedTemporaryFile(prefix=f".{path.name}.", dir=path.parent):
            pass  # a folder that is missing, or cannot be written to, refuses here
        run = RunFolder(path.resolve().parent.parent)
    if path.resolve().parent == run.best_weights.parent and run.request.is_file():
        raise UsageError("belongs to a run", where=str(path), expected="a place outside its weights folder")


def _written(network: Trained | Ensemble, made: dict[str, Path], half: bool) -> dict[str, Callable[[Path], Answer]]:
    """Writes each kind of file; returns how each is read again."""
    if "out" in made:
        safetensors_file.write(made["out"], network, half)
    if made.keys() & {"onnx", "torch"}:
        program, about = traced(network, half), card(network)
        with saving(next(iter(made.values())).parent):
            if "onnx" in made:
                onnx_file.write(made["onnx"], program, about, input_name(network))
            if "torch" in made:
                torch_file.write(made["torch"], program, about)
    readers = {"out": safetensors_file.answering, "onnx": onnx_file.answering, "torch": torch_file.answering}
    return {kind: readers[kind] for kind in made}


def _compared(answer: Answer, rows: np.ndarray, expected: np.ndarray) -> tuple[Parity, float]:
    found = parity(answer(rows), expected)
    return found, timed(answer, rows)


def _check(found: Parity, path: Path, half: bool) -> None:
    """Raises RavineError where a file is further from ravine than it may be."""
    most = TOLERANCE_HALF if half else TOLERANCE
    if not found.largest <= most:  # NaN too
        what = f"probabilities differ from ravine's by up to {found.largest:.2g} on {found.n:,} examples"
        cure = "Nothing was written. " + ("Export it without --half" if half else "Please report it")
        raise RavineError(what, where=str(path), expected=f"{most:g} at most", cure=cure)


def _placed(made: Path, path: Path) -> bool:
    """Puts a finished file where it was asked for; returns whether one was there before."""
    replaced = path.exists()
    with saving(path):
        atomic.write(path, [made.read_bytes()])
    return replaced
