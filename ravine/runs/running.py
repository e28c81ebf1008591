"""Trains a run, or takes it up where it was."""

import os
import shutil
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from ravine import augmentation, data
from ravine.checkpoints.run_folder import RunFolder, begun, find
from ravine.devices import device_named
from ravine.errors import DataError, UsageError
from ravine.pretrained import Start
from ravine.recipe import Recipe
from ravine.runs import beginning, budget, descent, focusing, folding, regularizing, snapshots, teaching
from ravine.runs.learned_before import apart
from ravine.runs.observing import Observer, Row, observers_of
from ravine.runs.opening import opened, start_of, start_or_copy
from ravine.runs.resolution import side_fitting
from ravine.runs.run import Run
from ravine.runs.session import said_finished, train_in
from ravine.training.console import Console


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
    observers: Iterable[Observer | Callable[[Row], None]] = (),
    began: float | None = None,
    **settings: Any,
) -> Run:
    """Trains on a folder of images, a zip, an `.npz`, `digits` or arrays `(x, y)`.

    The same call again takes an interrupted run up where it was, with the same result as if nothing had happened; a
    finished run is returned as it is.

    Args:
        source: the data.
        name: of the run's folder in `out`; the data's name where None ("-finetuned" from pretrained weights).
        out: folder of all runs.
        fresh: start anew in NAME-2, NAME-3, ... instead of resuming.
        device: auto, cpu, cuda, ...
        cache: where decoded images are kept; `~/.cache/ravine` where None.
        quiet: show warnings only.
        recipe: settings; the default one where None.
        observers: told of the training as it goes: an `Observer`, or a function of each epoch's row of metrics.
        began: when a budget began to count, as of `time.monotonic`; with this call where None.
        **settings: fields of `Recipe` to change: `epochs=20`, `model="resnet"`, `lr=1e-3`.

    Raises:
        RavineError: bad data, bad settings, a full disk, a loss that is not finite; see `ravine.errors`.
    """
    began = time.monotonic() if began is None else began
    recipe = (recipe or Recipe()).changed(**settings)
    check(recipe)
    console = Console(quiet=quiet)
    where = data.location(source)
    start = start_of(recipe) if fresh else start_or_copy(recipe, Path(out), where, console)
    reading = {"cache": cache, "console": console}
    size = side_fitting(recipe, device_named(device), console.say)
    if size and where and not fresh:
        before = begun(Path(out), name or data.name_of(where), _request(where, recipe))
        decided = decided_size(before) if before else "auto"
        size = size if decided == "auto" else decided  # as it began
    dataset = opened(source, recipe, start, size=size, **reading)
    request = _request(where or dataset.fingerprint, recipe)
    base = name or (f"{dataset.name}-finetuned" if start else dataset.name)
    folder, verdict = find(Path(out), base, request, fresh)
    if verdict == "finished":
        return Run(said_finished(folder, dataset, console))
    try:
        with folder.lock():
            return _begun(folder, dataset, recipe, device, console, observers_of(observers), start, began)
    except (UsageError, DataError):
        if verdict == "new" and not folder.checkpoints.exists():  # never began: the name stays free
            shutil.rmtree(folder.path)
        raise


def _request(where: str, recipe: Recipe) -> dict[str, str]:
    """What makes two commands mean the same run: the data's place or fingerprint, and the recipe that was asked for."""
    return {"data": where, "recipe": recipe.to_toml()}  # TOML, since JSON has no infinity


def check(recipe: Recipe) -> None:
    """Raises UsageError for what cannot be, before any data is read."""
    beginning.refuse_without(recipe)
    descent.check(recipe)
    regularizing.refuse_impossible(recipe)
    focusing.refuse_impossible(recipe)
    snapshots.check(recipe)
    teaching.check(recipe)
    folding.check(recipe)
    budget.refuse_impossible(recipe)
    if recipe.augment != "auto":
        augmentation.parse(recipe.augment, (3, 32, 32))  # names and settings alone: these suit images of any shape


def resume(
    path: str | os.PathLike[str],
    *,
    source: Any = None,
    device: str = "auto",
    cache: str | os.PathLike[str] | None = None,
    quiet: bool = False,
    observers: Iterable[Observer | Callable[[Row], None]] = (),
) -> Run:
    """Takes a run up where it was; `source` is needed only for a run on arrays, or where the data has moved."""
    began = time.monotonic()
    run, console = Run(path), Console(quiet=quiet)
    for several in ("kfold", "transfers"):
        if several in run.folder.read_json("request.json"):
            cure = f"Its ravine {several} command goes on with it"
            raise UsageError("a folder of several trainings", where=str(path), cure=cure)
    if run.folder.finished:
        return Run(said_finished(run.folder, None, console))
    dataset, recipe = data_of(run, source, cache, console)
    with run.folder.lock():
        start = start_of(recipe, run.folder)
        return _begun(run.folder, dataset, recipe, device, console, observers_of(observers), start, began)


def _begun(
    folder: RunFolder,
    dataset: data.Dataset,
    recipe: Recipe,
    device: str,
    console: Console,
    observers: tuple[Observer, ...],
    start: Start | None,
    began: float,
) -> Run:
    """Trains in a locked folder; what the pretrained weights have learned of this data does not judge."""
    if start:
        dataset, recipe, start = apart(dataset, recipe, start)
    told = folding.with_warnings(dataset, recipe)
    return Run(train_in(folder, told, recipe, device, console, observers, start, began))


def data_of(
    run: Run, source: Any, cache: str | os.PathLike[str] | None, console: Console
) -> tuple[data.Dataset, Recipe]:
    """The data that a run was asked to train on, and the recipe as asked for.

    Args:
        source: where the data is now; None for where it was.

    Raises:
        UsageError: it trained on arrays, and no source is given. DataError: the data is gone or damaged.
    """
    recipe = Recipe.from_toml(run.folder.read_json("request.json")["recipe"], run.folder.request)
    source = source_of(run) if source is None else source
    size = decided_size(run.folder) if recipe.size == "auto" else recipe.size
    start = start_of(recipe, run.folder)
    return opened(source, recipe, start, size=size, cache=cache, console=console), recipe


def decided_size(folder: RunFolder) -> int | str:
    """The side in pixels that a run in this folder was begun with; "auto" where nothing is decided yet."""
    return Recipe.read(folder.recipe).size if folder.recipe.is_file() else "auto"


def source_of(run: Run) -> str:
    """Where the data is that a run was asked to train on. Raises UsageError where it was arrays, DataError: gone."""
    where = run.folder.read_json("request.json")["data"]
    if not (where == "digits" or os.path.isabs(where)):
        cure = "Give the arrays again: --data FILE.npz, or in Python source=(x, y)"
        raise UsageError("trained on arrays", where=str(run.path), cure=cure)
    if where != "digits" and not os.path.exists(where):
        raise DataError("the data is no longer there", where=where, cure="Say where it is now: --data PLACE")
    return where
