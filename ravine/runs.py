"""A run: a training that happened, or is happening, in a folder of its own.

run = ravine.train("photos/", epochs=20)
run.best.predict("new.jpg")
"""

import os
import platform
import sys
from collections.abc import Callable, Iterable
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import torch

import ravine
from ravine import data
from ravine.checkpoints import store
from ravine.checkpoints.run_folder import RunFolder, find
from ravine.defaults import device_named, resolve, with_held_out
from ravine.errors import DataError, Interrupted, NonFiniteLossError, UsageError
from ravine.loading import load
from ravine.recipe import Recipe
from ravine.results import summarize
from ravine.saving import Saver
from ravine.trained import Trained
from ravine.trainer import Training
from ravine.training.console import Console, epoch_line
from ravine.training.fit import Position
from ravine.training.signals import StopRequest, stop_requests

Observer = Callable[[dict[str, Any]], None]


class Run:
    """A run's folder, read.

    Attributes:
        path: the folder.
        summary: results at the end: accuracies with intervals, confusions, times; {} while training.
        metrics: a dictionary per epoch.
        recipe: everything that was decided.
        best, last: the trained networks, ready to predict.
    """

    def __init__(self, path: str | os.PathLike[str]):
        self.path = Path(path)
        self.folder = RunFolder(self.path)
        if not self.folder.request.is_file():
            raise DataError("not a run folder", where=str(path), expected="a folder that ravine train made")

    @property
    def summary(self) -> dict[str, Any]:
        return self.folder.read_json("summary.json") or {}

    @property
    def metrics(self) -> list[dict[str, Any]]:
        return self.folder.read_rows("metrics.jsonl")

    @property
    def recipe(self) -> Recipe:
        return Recipe.from_toml(self.folder.recipe.read_text(encoding="utf-8"), self.folder.recipe)

    @cached_property
    def best(self) -> Trained:
        return load(self.path, use="best")

    @cached_property
    def last(self) -> Trained:
        return load(self.path, use="last")

    def __repr__(self) -> str:
        best = self.summary.get("best", {}).get("val", {})
        return f"Run({str(self.path)!r}" + (f", val accuracy {best['accuracy']:.1%})" if best else ", unfinished)")


def train(
    source: Any,
    *,
    name: str | None = None,
    out: str | os.PathLike[str] = "runs",
    fresh: bool = False,
    device: str = "auto",
    cache: str | os.PathLike[str] | None = None,
    quiet: bool = False,
    recipe: Recipe | None = None,
    observers: Iterable[Observer] = (),
    **settings: Any,
) -> Run:
    """Trains on a folder of images, a zip, an `.npz`, `digits` or arrays `(x, y)`.

    The same call again takes an interrupted run up where it was, with the same result as if nothing had happened; a
    finished run is returned as it is.

    Args:
        source: the data.
        name: of the run's folder in `out`; the data's name where None.
        out: folder of all runs.
        fresh: start anew in NAME-2, NAME-3, ... instead of resuming.
        device: auto, cpu, cuda, ...
        cache: where decoded images are kept; `~/.cache/ravine` where None.
        quiet: show warnings only.
        recipe: settings; the default one where None.
        observers: called with each epoch's row of metrics.
        **settings: fields of `Recipe` to change: `epochs=20`, `model="resnet"`, `lr=1e-3`.

    Raises:
        RavineError: bad data, bad settings, a full disk, a loss that is not finite; see `ravine.errors`.
    """
    recipe = (recipe or Recipe()).changed(**settings)
    console = Console(quiet=quiet)
    dataset = data.load(source, size=recipe.size, max_bad=recipe.max_bad, cache=cache, progress=console.decoding)
    where = _location(source) or dataset.fingerprint
    request = {"data": where, "recipe": recipe.to_toml()}  # TOML, since JSON has no infinity
    folder, verdict = find(Path(out), name or dataset.name, request, fresh)
    if verdict == "finished":
        return _finished(folder, console)
    with folder.lock():
        return _train(folder, dataset, recipe, device_named(device), console, tuple(observers))


def resume(
    path: str | os.PathLike[str],
    *,
    source: Any = None,
    device: str = "auto",
    cache: str | os.PathLike[str] | None = None,
    quiet: bool = False,
    observers: Iterable[Observer] = (),
) -> Run:
    """Takes a run up where it was; `source` is needed only for a run on arrays, or where the data has moved."""
    run, console = Run(path), Console(quiet=quiet)
    request = run.folder.read_json("request.json")
    where, recipe = request["data"], Recipe.from_toml(request["recipe"], run.folder.request)
    if run.folder.finished:
        return _finished(run.folder, console)
    if source is None and not (where == "digits" or os.path.isabs(where)):
        raise UsageError("trained on arrays", where=str(path), cure="Call ravine.resume(path, source=(x, y))")
    source = where if source is None else source
    dataset = data.load(source, size=recipe.size, max_bad=recipe.max_bad, cache=cache, progress=console.decoding)
    with run.folder.lock():
        return _train(run.folder, dataset, recipe, device_named(device), console, tuple(observers))


def _finished(folder: RunFolder, console: Console) -> Run:
    console.say(f"{folder.path} has finished; ravine train ... --fresh trains anew")
    return Run(folder.path)


def _train(
    folder: RunFolder,
    dataset: data.Dataset,
    recipe: Recipe,
    device: torch.device,
    console: Console,
    observers: tuple[Observer, ...],
) -> Run:
    if folder.finished:  # by another process, between the look and the lock
        return _finished(folder, console)
    console.log_to(folder.log)
    training, saver = _prepare(folder, dataset, recipe, device, console)
    with stop_requests() as stop:
        try:
            _epochs(training, saver, folder, console, stop, observers)
        except NonFiniteLossError as error:
            kept = saver.save()
            raise NonFiniteLossError(error.what, where=error.where, cure=f"{error.cure}. Kept: {kept}") from error
        finally:
            console.close()
        if saver.saved_step != training.step:
            saver.save()
        folder.write_json("summary.json", summarize(training, saver.seconds, folder))
    return Run(folder.path)


def _prepare(
    folder: RunFolder, dataset: data.Dataset, recipe: Recipe, device: torch.device, console: Console
) -> tuple[Training, Saver]:
    """A new training, or one restored from the newest verified checkpoint."""
    for warning in dataset.findings.warnings:
        console.warn(warning.text)
    loaded = store.load_newest(folder.checkpoints)
    environment = _environment(device)
    if loaded is None:
        dataset, recipe = with_held_out(dataset, recipe)
        recipe, said = resolve(recipe, dataset, device)
        for line in said:
            console.say(line)
        training = Training(recipe, dataset, device)
        folder.write_text("recipe.toml", training.recipe.to_toml())
        folder.write_json("environment.json", environment)
        folder.write_json("data.json", dataset.findings.to_json())
        folder.rewrite_metrics([])
        folder.rewrite_times([])
        return training, Saver(folder, training)
    for line in loaded.damaged:
        console.warn(f"checkpoint damaged: {line}")
    if loaded.state["fingerprint"] != dataset.fingerprint:
        cure = "Put the data back as it was, or start anew with --fresh"
        raise DataError("the data has changed since this run began", where=dataset.name, cure=cure)
    dataset, recipe = with_held_out(dataset, Run(folder.path).recipe)
    training = Training(recipe, dataset, device)
    training.restore(loaded.tensors, loaded.state)
    training.times = [row for row in folder.read_rows("times.jsonl") if row["epoch"] <= training.position.epoch]
    folder.rewrite_metrics(training.rows)
    folder.rewrite_times(training.times)
    before = folder.read_json("environment.json") or {}
    changed = [
        f"{key} {before.get(key)} -> {environment[key]}" for key in _EXACT if before.get(key) != environment[key]
    ]
    exact = "not bit for bit, since " + ", ".join(changed) if changed else "exactly"
    console.say(f"resuming {folder.path} {exact} at epoch {training.position.epoch + 1} ({loaded.path.name})")
    return training, Saver(folder, training)


def _epochs(
    training: Training,
    saver: Saver,
    folder: RunFolder,
    console: Console,
    stop: StopRequest,
    observers: tuple[Observer, ...],
) -> None:
    total = int(training.recipe.epochs) * training.feed.steps

    def describe() -> str:
        position = training.position
        loss, correct, _ = (position.sums.mean(1) / max(1, position.seen)).tolist()
        best = f"  val {training.rows[-1]['val/accuracy']:.1%}" if training.rows else ""
        return f"epoch {position.epoch + 1}/{training.recipe.epochs}  loss {loss:.3f}  train {correct:.1%}{best}"

    def on_step(_: Position) -> None:
        console.training(training.step, total, describe, int(training.recipe.batch))
        if stop.number is not None:
            console.close()
            raise Interrupted(stop.number, where=str(saver.save()), cure="The same command goes on from there")
        if saver.due(mid_epoch=True):
            saver.save()

    for row, times in training.epochs(on_step):
        folder.append_metrics(row)
        folder.append_times(times)
        line = epoch_line(row, times, int(training.recipe.epochs), row["epoch"] in training.best.epochs)
        console.say(line)
        for observer in observers:
            observer(row)
        if saver.due():
            saver.save()


# What must be equal for a resumed run to be bit-identical to an uninterrupted one
_EXACT = ("torch", "device", "threads", "machine")


def _environment(device: torch.device) -> dict[str, Any]:
    name = torch.cuda.get_device_name(device) if device.type == "cuda" else device.type
    return {
        "ravine": ravine.__version__,
        "python": platform.python_version(),
        "torch": torch.__version__,
        "numpy": np.__version__,
        "device": name,
        "threads": torch.get_num_threads(),
        "machine": platform.machine(),
        "system": platform.platform(),
        "command": sys.argv,
    }


def _location(source: Any) -> str | None:
    """An absolute path, or `digits`; None for arrays."""
    if not isinstance(source, str | os.PathLike):
        return None
    return "digits" if str(source) == "digits" else os.path.abspath(source)
