"""Trainings that are kept in folders: `train`, `resume`, the `Run` that they give, and the `Observer` that watches."""

from ravine.runs.observing import Observer
from ravine.runs.run import Run
from ravine.runs.running import resume, train

__all__ = ["Observer", "Run", "resume", "train"]
