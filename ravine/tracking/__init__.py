"""Trackers: observers that show a training in somebody else's tool. Any `ravine.Observer` is one."""

import os
from pathlib import Path

from ravine.runs.observing import Observer
from ravine.tracking.tensorboard import FOLDER, TensorBoard

__all__ = ["TensorBoard", "logged_to", "trackers"]


def trackers(log: str) -> list[Observer]:
    """The observers that `--log` names: "tensorboard" or "none". Raises UsageError where a package is missing."""
    return [TensorBoard()] if log == "tensorboard" else []


def logged_to(run: str | os.PathLike[str]) -> str:
    """What a run's folder has logs of, as `--log` names it."""
    return "tensorboard" if (Path(run) / FOLDER).is_dir() else "none"
