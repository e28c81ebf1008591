"""A run's folder: where each thing lies, how it is written, and which folder a command means."""

import json
import os
import re
from collections.abc import Iterable, Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, Literal

from ravine.checkpoints import atomic
from ravine.checkpoints.durable import saving, sync_folder, write_synced
from ravine.checkpoints.lock import held, locked
from ravine.checkpoints.records import csv_text, dumps, read_json, read_rows
from ravine.errors import DataError

Verdict = Literal["new", "resume", "finished"]
Row = Mapping[str, Any]
_LONGEST_NAME = 60  # characters: at most 240 bytes, and file systems take 255


class RunFolder:
    """The files of one run. Every write is atomic or one synced append, and raises SaveError where it fails."""

    def __init__(self, path: Path):
        self.path = path
        self.request = path / "request.json"  # what was asked for, so that the same command finds this folder again
        self.recipe = path / "recipe.toml"
        self.environment = path / "environment.json"
        self.data = path / "data.json"
        self.metrics = path / "metrics.jsonl"
        self.times = path / "times.jsonl"
        self.results = path / "results.csv"
        self.summary = path / "summary.json"
        self.log = path / "log.txt"
        self.best_weights = path / "weights" / "best.safetensors"
        self.last_weights = path / "weights" / "last.safetensors"
        self.raw_weights = path / "weights" / "raw.safetensors"  # the last step's own, where an average is deployed
        self.pretrained = path / "weights" / "pretrained.safetensors"  # what a fine-tuning began with
        self.snapshot_weights = path / "weights" / "snapshots.safetensors"
        self.checkpoints = path / "checkpoints"
        self.weights_path = path / "path"  # the weights along the way
        self.predictions = path / "predictions.csv"
        self.shown = path / "shown.npz"  # the pictures of the mistakes
        self.augmentation = path / "augmentation.png"
        self.report = path / "report.html"

    def check(self) -> None:
        """Raises DataError where this is no run's folder."""
        if not self.request.is_file():
            raise DataError("not a run folder", where=str(self.path), expected="a folder that ravine train made")

    @property
    def finished(self) -> bool:
        """Whether `summary.json` says so and both weights files are there (a lost one is made again when resuming)."""
        complete = self.best_weights.is_file() and self.last_weights.is_file()
        return complete and (self.read_json("summary.json") or {}).get("finished") is True

    @property
    def in_use(self) -> bool:
        """Whether a process is training in it."""
        return held(self.path / "lock")

    def lock(self) -> AbstractContextManager[None]:
        """Held while training. Raises RunInUseError where another process holds it."""
        return locked(self.path / "lock")

    def append_metrics(self, row: Row) -> None:
        """Adds an epoch's row, one synced write. Equal rows give equal bytes; NaN is null."""
        self._append(self.metrics, row)

    def append_times(self, row: Row) -> None:
        """Adds an epoch's seconds, as `append_metrics`."""
        self._append(self.times, row)

    def rewrite_metrics(self, rows: Iterable[Row]) -> None:
        """Makes these all the rows there are: when resuming, those after the checkpoint and a half line vanish."""
        self.write_text(self.metrics.name, "".join(dumps(row) + "\n" for row in rows))

    def rewrite_times(self, rows: Iterable[Row]) -> None:
        """As `rewrite_metrics`."""
        self.write_text(self.times.name, "".join(dumps(row) + "\n" for row in rows))

    def read_rows(self, name: str) -> list[dict[str, Any]]:
        """The rows of "metrics.jsonl" or "times.jsonl"; none before the first; a half last line is left out."""
        return read_rows(self.path / name)

    def write_results_csv(self, metric_rows: Iterable[Row], time_rows: Iterable[Row]) -> None:
        """`results.csv`: both joined by "epoch", columns in order of appearance."""
        self.write_text(self.results.name, csv_text(metric_rows, time_rows))

    def write_json(self, name: str, value: Any) -> None:
        """Writes `value` as indented JSON; NaN is null."""
        self.write_text(name, dumps(value, indent=2) + "\n")

    def read_json(self, name: str) -> Any:
        """The value of a JSON file, None where there is no file. Raises DataError where it cannot be read."""
        return read_json(self.path / name)

    def write_text(self, name: str, text: str) -> None:
        """Writes text as UTF-8; file names that are not UTF-8 come out as the bytes that they are."""
        self.write_bytes(name, text.encode("utf-8", "surrogateescape"))

    def write_bytes(self, name: str, content: bytes) -> None:
        """Writes a file of any kind."""
        path = self.path / name
        with saving(path):
            atomic.write(path, [content])

    def _append(self, path: Path, row: Row) -> None:
        with saving(path):
            write_synced(path, [dumps(row).encode() + b"\n"], "ab")


def begun(runs: Path, name: str, request: Mapping[str, Any]) -> RunFolder | None:
    """The newest of `runs`/NAME, NAME-2, NAME-3, ... with an equal request, if any; arguments as of `find`."""
    base, wanted = _file_name(name), json.loads(dumps(request))
    folders = (RunFolder(runs / _numbered(base, number)) for number in sorted(_numbers(runs, base), reverse=True))
    return next((folder for folder in folders if folder.read_json(folder.request.name) == wanted), None)


def find(runs: Path, name: str, request: Mapping[str, Any], fresh: bool) -> tuple[RunFolder, Verdict]:
    """The folder that a command means: among `runs`/NAME, NAME-2, NAME-3, ... the newest with an equal request.

    "resume" where that run is unfinished, "finished" where it is. Where there is none, or with `fresh`: a new folder
    with the next number ("new"), which no other process can have been given, with the request in it.

    Args:
        name: any text; what a file system dislikes becomes "-" ("photos of cats/" -> "photos-of-cats").
        request: JSON with string keys; whatever makes two commands mean different runs.

    Raises:
        SaveError: `runs` cannot be made or written to.
        DataError: a candidate's request.json or summary.json is damaged.
    """
    folder = None if fresh else begun(runs, name, request)
    if folder:
        return folder, "finished" if folder.finished else "resume"
    base = _file_name(name)
    return _make(runs, base, max(_numbers(runs, base), default=0) + 1, request), "new"


def _file_name(name: str) -> str:
    clean = re.sub(r"[^\w.-]+", "-", name).strip("-.")[:_LONGEST_NAME].rstrip("-.")
    return clean or "run"


def _numbered(base: str, number: int) -> str:
    return base if number == 1 else f"{base}-{number}"


def _numbers(runs: Path, base: str) -> set[int]:
    pattern = re.compile(re.escape(base) + r"(?:-([2-9]|[1-9][0-9]{1,8}))?")
    with saving(runs):
        names = os.listdir(runs) if runs.exists() else []
    return {int(match[1] or 1) for match in map(pattern.fullmatch, names) if match}


def _make(runs: Path, base: str, number: int, request: Mapping[str, Any]) -> RunFolder:
    with saving(runs / _numbered(base, number)):
        runs.mkdir(parents=True, exist_ok=True)
        while True:
            folder = RunFolder(runs / _numbered(base, number))
            try:
                os.mkdir(folder.path)  # fails where another process was quicker
                break
            except FileExistsError:
                number += 1
        folder.best_weights.parent.mkdir()
        sync_folder(runs)
    folder.write_json(folder.request.name, request)
    return folder
