"""Trainings that are kept in folders: `train`, `resume`, and the `Run` that they give."""

from ravine.runs.run import Run, resume, train

__all__ = ["Run", "resume", "train"]
