"""TensorBoard: a run's curves, weights, pictures and settings, in the folder RUN/tensorboard.

ravine.train("photos/", observers=[TensorBoard()])  # then, in a shell: tensorboard --logdir runs
"""

import io
import logging
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from PIL import Image

from ravine.errors import UsageError
from ravine.report import report_of
from ravine.runs.observing import Observer, Row
from ravine.runs.run import Run

if TYPE_CHECKING:
    from ravine.tracking.event_file import EventFile

FOLDER = "tensorboard"
_BINS = 30  # TensorBoard draws as many
_SAMPLE = 20_000  # weights of a layer that its histogram is taken of; more would look the same and cost time
# what is read together is drawn together; names of curves, as regular expressions
_CHARTS = {
    "loss": ["Multiline", ["^(train|val|vote/val)/loss$"]],
    "accuracy": ["Multiline", ["^(train/|train/clean_|val/|vote/val/)accuracy$"]],
}


class TensorBoard(Observer):
    """Writes what TensorBoard shows: every column of results.csv as a curve of that name, with epochs as steps.

    Besides: a histogram of each layer's weights (`weights/NAME`; not of biases and norms); as images what the
    augmentation does and, at the end, the most confident mistakes; the recipe as text; the settings with the final
    accuracies (TensorBoard's HPARAMS), which are curves of one point, too: `best/val/accuracy`, `last/test/accuracy`.

    A run that is taken up goes on in its curves: what a kill took back is not shown twice, and epochs that were trained
    without this observer get their curves, but no histograms. Where nothing can be written there is one warning, and
    the training goes on without it.

    Raises:
        UsageError: tensorboard is not installed.
    """

    dispensable = True

    def __init__(self) -> None:
        try:
            from torch.utils.tensorboard import summary  # also sees to it that the version will do
        except ImportError as error:
            what, cure = f"needs the package tensorboard ({error})", 'Install it: pip install "ravine[tensorboard]"'
            raise UsageError(what, where="--log tensorboard", cure=cure) from None
        self._summary: Any = summary
        self._file: EventFile

    def begin(self, run: Run) -> None:
        from ravine.tracking.event_file import EventFile

        times = run.folder.read_rows("times.jsonl")
        known = _known(run.path / FOLDER, times)
        self._file = EventFile(run.path / FOLDER, purge_step=known + 1 if known else 0)
        if not known:
            self._add_beginning(run)
        seconds = {row["epoch"]: row for row in times}
        for row in run.metrics[known:]:
            self._add_curves(row, seconds.get(row["epoch"], {}))
        self._file.flush()

    def epoch(self, row: Row, times: Row, weights: Mapping[str, torch.Tensor]) -> None:
        self._add_curves(row, times)
        for name, tensor in weights.items():
            if tensor.dim() > 1:  # others are a handful of numbers, at the cost of a layer's
                values = _some_of(tensor)
                if np.isfinite(values).all():  # else the training stops with that message
                    self._file.add(self._summary.histogram(f"weights/{name}", values, _BINS), row["epoch"])
        self._file.flush()

    def end(self, run: Run) -> None:
        summary, final = run.summary, {}
        for which in ("best", "last"):
            final |= {f"{which}/{split}/accuracy": score["accuracy"] for split, score in summary[which].items()}
        self._add_curves({"epoch": summary["epochs"], **final}, {})
        settings = {name: _setting(value) for name, value in asdict(run.recipe).items()}
        for part in self._summary.hparams(settings, final):
            self._file.add(part, 0)
        mistakes = report_of(run).mistakes
        for rank, one in enumerate(mistakes.confident if mistakes else (), 1):
            if one.picture:
                said = f"{one.true} as {one.predicted}, {one.confidence:.1%}"
                self._add_image(f"mistakes/{rank:02d} {said}", one.picture, summary["epochs"])
        self._file.flush()

    def _add_beginning(self, run: Run) -> None:
        recipe = run.folder.recipe.read_text(encoding="utf-8")
        code = "".join(f"    {line}\n" for line in recipe.splitlines())  # Markdown's
        self._file.add(self._summary.text("recipe", code), 0)
        self._file.add(self._summary.custom_scalars({"training and validation": _CHARTS}), 0)
        if run.folder.augmentation.is_file():
            self._add_image("augmentation", run.folder.augmentation.read_bytes(), 0)

    def _add_curves(self, row: Row, times: Row) -> None:
        for name, value in {**row, **times}.items():
            if name != "epoch":
                self._file.add(self._summary.scalar(name, math.nan if value is None else value), row["epoch"])

    def _add_image(self, name: str, png: bytes, epoch: int) -> None:
        pixels = np.asarray(Image.open(io.BytesIO(png)).convert("RGB"))
        self._file.add(self._summary.image(name, pixels, dataformats="HWC"), epoch)


def _known(folder: Path, times: Sequence[Row]) -> int:
    """How many of the run's epochs a folder of logs has curves of. One that was trained again took other seconds."""
    if not folder.is_dir():
        return 0
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    log = logging.getLogger("tensorboard")
    level = log.level
    log.setLevel(logging.ERROR)  # what a kill took back is purged by intention, which is no warning
    try:
        told = EventAccumulator(str(folder)).Reload()
    finally:
        log.setLevel(level)
    shown = [point.value for point in told.Scalars("compute")] if "compute" in told.Tags()["scalars"] else []
    same = [np.float32(row["compute"]) == value for row, value in zip(times, shown, strict=False)]
    return [*same, False].index(False)


def _some_of(tensor: torch.Tensor) -> np.ndarray:
    """Some of its values, spread evenly."""
    rows = np.linspace(0, tensor.numel() - 1, min(tensor.numel(), _SAMPLE)).astype(np.int64)
    return tensor.detach().flatten()[torch.from_numpy(rows).to(tensor.device)].cpu().numpy()


def _setting(value: Any) -> Any:
    """A setting as TensorBoard takes it: infinity is no JSON."""
    return value if not isinstance(value, float) or math.isfinite(value) else str(value)
