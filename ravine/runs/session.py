"""A training in its run folder: begun or taken up again, watched, saved, summed up."""

from pathlib import Path

import torch

from ravine import data
from ravine.checkpoints import store
from ravine.checkpoints.run_folder import RunFolder
from ravine.devices import cpu_threads, device_named
from ravine.errors import DataError, Interrupted, NonFiniteLossError
from ravine.pretrained import Start, read_start, write_start
from ravine.recipe import Recipe
from ravine.runs import path, sweep_result, sweeping
from ravine.runs.augmentation_sheet import write_sheet
from ravine.runs.beginning import refuse_frozen_new
from ravine.runs.defaults import resolve, with_held_out
from ravine.runs.environment import changes, environment_of
from ravine.runs.observing import Observer
from ravine.runs.plan_lines import plan_lines
from ravine.runs.reporting import reporting
from ravine.runs.results import summarize
from ravine.runs.run import Run
from ravine.runs.saving import Saver
from ravine.runs.sparing import Spared
from ravine.runs.state import restore
from ravine.runs.timing import Clock, clocked, keep_time, with_plan, write_plan
from ravine.runs.trainer import Training
from ravine.runs.watching import watcher
from ravine.training.console import Console, epoch_line, shown_accuracy
from ravine.training.fit import Position
from ravine.training.signals import StopRequest, stop_requests


def said_finished(folder: RunFolder, dataset: data.Dataset | None, console: Console) -> Path:
    """Says that there is nothing to do; returns the folder's path. Raises DataError where the data is another now."""
    if dataset:
        _refuse_changed(folder.read_json("summary.json")["fingerprint"], dataset)
    console.say(f"{folder.path} has finished; the command that trained it trains anew with --fresh")
    return folder.path


def train_in(
    folder: RunFolder,
    dataset: data.Dataset,
    recipe: Recipe,
    device: str,
    console: Console,
    observers: tuple[Observer, ...],
    start: Start | None = None,
    began: float | None = None,
) -> Path:
    """Trains in a locked folder, from its newest checkpoint if it has one, to the end; returns the folder's path.

    `start` are the pretrained weights that the recipe names; once begun, the folder has its own copy of them. A budget
    counts from `began` on, of `time.monotonic`; from now where None.
    """
    if folder.finished:  # by another process, between the look and the lock
        return said_finished(folder, dataset, console)
    console.log_to(folder.log)
    begun = Recipe.read(folder.recipe) if folder.recipe.is_file() else recipe
    with cpu_threads(begun.threads):
        clock = Clock(began)
        training, saver = _prepare(folder, dataset, recipe, device_named(device), console, start, clock)
        with stop_requests() as stop, reporting(folder, console) as reporter:
            observers = (reporter, *(Spared(one, console) if one.dispensable else one for one in observers))
            try:
                for observer in observers:
                    observer.begin(Run(folder.path))
                _epochs(training, saver, folder, console, stop, observers)
                if saver.saved_step != training.step:
                    saver.save()
                swept = sweep_result.judge(training)
                if swept:
                    training.chosen = swept["values"][swept["winner"]]["members"]
                    saver.save()  # again, for the weights files: from now on they are the winner's
                    sweep_result.write(folder, swept)
            except NonFiniteLossError as error:
                kept = saver.save() if training.finite else saver.newest or "nothing, this was before the first save"
                raise NonFiniteLossError(error.what, where=error.where, cure=f"{error.cure}. Kept: {kept}") from error
            finally:
                console.close()
            summary = summarize(training, saver.since_last(), folder, console)
            folder.write_json("summary.json", {**summary, "sweep": swept} if swept else summary)
            for observer in observers:
                observer.end(Run(folder.path))
    return folder.path


def _prepare(
    folder: RunFolder,
    dataset: data.Dataset,
    recipe: Recipe,
    device: torch.device,
    console: Console,
    start: Start | None,
    clock: Clock,
) -> tuple[Training, Saver]:
    """A new training, or one restored from the newest verified checkpoint."""
    for warning in dataset.findings.warnings:
        console.warn(warning.text)
    loaded = store.load_newest(folder.checkpoints)
    environment = environment_of(device)
    if start and folder.pretrained.is_file():
        start = read_start(folder.pretrained)
    elif start:
        write_start(folder.pretrained, start)
    if loaded is None:
        training = _planned(folder, dataset, recipe, device, console, start, clock)
        dataset = training.dataset
        folder.write_text("recipe.toml", training.recipe.to_toml())
        folder.write_json("environment.json", environment)
        folder.write_json("data.json", {**dataset.findings.to_json(), "splits": dataset.counts})
        write_sheet(folder, training, console)
        folder.rewrite_metrics([])
        folder.rewrite_times([])
        return training, Saver(folder, training)
    for line in loaded.damaged:
        console.warn(f"checkpoint damaged: {line}")
    _refuse_changed(loaded.state["fingerprint"], dataset)
    asked = recipe
    dataset, recipe = with_held_out(dataset, Recipe.read(folder.recipe))
    training = Training(recipe, dataset, device, start=start)
    restore(training, loaded.tensors, loaded.state)
    if clocked(asked, recipe):
        keep_time(training, clock, spent=loaded.state["spent"])
    training.times = [row for row in folder.read_rows("times.jsonl") if row["epoch"] <= training.position.epoch]
    folder.rewrite_metrics(training.rows)
    folder.rewrite_times(training.times)
    changed = changes(folder.read_json("environment.json") or {}, environment)
    changed += ["GPUs add in any order"] if device.type == "cuda" else []
    exact = "not bit for bit, since " + ", ".join(changed) if changed else "exactly"
    console.say(f"resuming {folder.path} {exact} at epoch {training.position.epoch + 1} ({loaded.path.name})")
    return training, Saver(folder, training)


def _planned(
    folder: RunFolder,
    dataset: data.Dataset,
    recipe: Recipe,
    device: torch.device,
    console: Console,
    start: Start | None,
    clock: Clock,
) -> Training:
    """A new training, after all that is open has been decided and said."""
    decided = folder.recipe.is_file()  # killed before its first save: what was decided (and timed) then stays so
    asked = recipe
    recipe = Recipe.read(folder.recipe) if decided else recipe
    dataset, recipe = with_held_out(dataset, recipe)
    recipe, swept = (recipe, []) if decided else sweeping.settled(recipe)
    if start and not decided:
        refuse_frozen_new(recipe, start, tuple(dataset.splits["train"].shape))
    recipe, costs, planned = (recipe, None, []) if decided else with_plan(recipe, dataset, device, start, clock)
    recipe, said = resolve(recipe, dataset, device, start)
    for line in swept + planned + said:
        console.say(line)
    training = Training(recipe, dataset, device, start=start)
    if clocked(asked, recipe):
        keep_time(training, clock, costs)
    for line in plan_lines(training) if start else ():
        console.say(line)
    if training.timed:
        times = ", ".join(f"{way} {1000 * seconds:.1f} ms" for way, seconds in training.timed.items())
        console.say(f"{recipe.members} members by {training.recipe.forward} (a step: {times})")
    return training


def _refuse_changed(fingerprint: str, dataset: data.Dataset) -> None:
    if fingerprint != dataset.fingerprint:
        cure = "Put the data back as it was, or start anew with --fresh"
        raise DataError("the data has changed since this run began", where=dataset.name, cure=cure)


def _epochs(
    training: Training,
    saver: Saver,
    folder: RunFolder,
    console: Console,
    stop: StopRequest,
    observers: tuple[Observer, ...],
) -> None:
    def describe() -> str:
        position = training.position
        loss, correct, *_ = (position.sums.nanmean(1) / max(1, position.seen)).tolist()
        best = f"  val {shown_accuracy(training.rows[-1], bool(training.recipe.sweep)):.1%}" if training.rows else ""
        return f"epoch {position.epoch + 1}/{training.epochs_planned}  loss {loss:.3f}  train {correct:.1%}{best}"

    def on_step(_: Position) -> None:
        console.training(training.step, training.pace.total, describe, int(training.recipe.batch))
        if training.pacer and training.pacer.after(training.step):
            write_plan(training, training.pacer, folder, console)
        if stop.number is not None:
            console.close()
            raise Interrupted(stop.number, where=str(saver.save()), cure=f"Go on with: ravine resume {folder.path}")
        if saver.due(mid_epoch=True):
            saver.save()

    look = watcher(folder, training.rows, console)
    if training.step == 0:
        path.record(folder.weights_path, training.population, 0)
    for row, times in training.epochs(on_step, lambda frozen: console.warn(f"{frozen}; the others go on")):
        path.record(folder.weights_path, training.population, row["epoch"])
        times["saving"] = saver.since_last()
        folder.append_metrics(row)
        folder.append_times(times)
        console.say(
            epoch_line(
                row, times, training.epochs_planned, row["epoch"] in training.best.epochs, bool(training.recipe.sweep)
            )
        )
        look(row)
        weights = training.population.named(training.population.state()) if observers else {}
        for observer in observers:
            observer.epoch(row, times, weights)
        if saver.due():
            saver.save()
