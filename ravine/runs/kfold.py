"""k-fold cross-validation: every image is validated once, by a network that was not trained on it.

The k networks are an ensemble besides. (Stone, "Cross-Validatory Choice and Assessment of Statistical Predictions",
1974.)
"""

import os
import shutil
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from ravine import data
from ravine.checkpoints.run_folder import RunFolder, find
from ravine.ensemble import Ensemble
from ravine.errors import DataError, Interrupted, UsageError
from ravine.loading import load
from ravine.pretrained import Start
from ravine.recipe import Recipe
from ravine.runs.budget import without_clock
from ravine.runs.fold_results import OutOfFold, csv_of, summarize
from ravine.runs.folding import dealt, unseen_classes, with_warnings
from ravine.runs.learned_before import refuse_folds
from ravine.runs.observing import Observer, Row, observers_of
from ravine.runs.opening import opened, start_of
from ravine.runs.run import Run
from ravine.runs.running import check
from ravine.runs.session import said_finished, train_in
from ravine.training.console import Console


def kfold(
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
    **settings: Any,
) -> Run:
    """Trains k networks, each on k - 1 of k parts of the training images, and validates each on the part left out.

    Arguments as of `ravine.train`; the recipe's `folds` is k, 5 where it is 0. The same call again goes on where it
    was. Each fold's members have numbers of their own, so that the networks differ in more than their images. Observers
    are told of each fold as of a run of its own.

    Returns:
        The run in OUT/NAME-kfold: its weights are the ensemble of the k networks, `summary` has what they came to,
        `oof.csv` what was said of each image by the network that had not seen it; fold0, fold1, ... are runs.

    Raises:
        RavineError: as `ravine.train`; and a DataError for pretrained weights that have learned images of this data.
    """
    recipe = _checked((recipe or Recipe()).changed(**settings))
    console, watching = Console(quiet=quiet), observers_of(observers)
    start = start_of(recipe)
    dataset = opened(source, recipe, start, cache=cache, console=console)
    refuse_folds(dataset, start)
    where = data.location(source) or dataset.fingerprint
    request = {"data": where, "recipe": recipe.to_toml(), "kfold": recipe.folds}
    folder, verdict = find(Path(out), f"{name or dataset.name}-kfold", request, fresh)
    try:
        with folder.lock():
            _say(dataset, recipe, console)
            first = with_warnings(dataset, recipe)
            told = replace(dataset, findings=replace(dataset.findings, warnings=()))
            sets = [first] + [told] * (recipe.folds - 1)
            runs = [_fold(folder, one, where, recipe, i, device, quiet, watching, start) for i, one in enumerate(sets)]
            if verdict != "finished":
                _conclude(folder, dataset, recipe, runs, device)
    except (UsageError, DataError):
        if verdict == "new" and not any(folder.path.glob("fold*/checkpoints")):  # never began: the name stays free
            shutil.rmtree(folder.path)
        raise
    return Run(folder.path)


def _checked(recipe: Recipe) -> Recipe:
    """The recipe with its number of folds. Raises UsageError for what cannot be cross-validated."""
    if recipe.fold:
        raise UsageError("every fold is trained", where=f"--fold {recipe.fold}", cure="ravine train trains one alone")
    if recipe.sweep:
        what, cure = "each fold's winner would be chosen on the fold that judges it", "Sweep with ravine train first"
        raise UsageError(what, where=f"--sweep {recipe.sweep!r}", expected="no sweep with kfold", cure=cure)
    recipe = without_clock(recipe).changed(folds=recipe.folds or 5)
    check(recipe)
    return recipe


def _fold(
    folder: RunFolder,
    dataset: data.Dataset,
    where: str,
    recipe: Recipe,
    i: int,
    device: str,
    quiet: bool,
    observers: tuple[Observer, ...],
    start: Start | None,
) -> Run:
    """One fold's run, trained as `ravine.train` would, to its end."""
    own = recipe.changed(fold=i, first_member=recipe.first_member + i * recipe.members)
    place, verdict = find(folder.path, f"fold{i}", {"data": where, "recipe": own.to_toml()}, fresh=False)
    console = Console(quiet=quiet)
    console.say(f"fold {i + 1} of {recipe.folds}{' has finished' if verdict == 'finished' else ''}")
    if verdict == "finished":
        return Run(said_finished(place, dataset, Console(quiet=True)))
    try:
        with place.lock():
            return Run(train_in(place, dataset, own, device, console, observers, start))
    except Interrupted as error:
        cure = "The same ravine kfold command goes on"
        raise Interrupted(error.exit_code - 128, where=error.where, cure=cure) from None


def _say(dataset: data.Dataset, recipe: Recipe, console: Console) -> None:
    """What is cut into how many parts."""
    splits, pool, fold = dealt(dataset, recipe)
    sizes = np.bincount(fold, minlength=recipe.folds)
    joined = ", val/ among them" if "val" in dataset.splits else ""
    copies = "; equal images are in the same fold" if dataset.findings.copies else ""
    test = f"; {len(splits['test']):,} test images are left alone" if splits else ""
    each = f"{sizes.min():,}" if sizes.min() == sizes.max() else f"{sizes.min():,} to {sizes.max():,}"
    console.say(f"{len(pool):,} images{joined} in {recipe.folds} folds of {each}, stratified{copies}{test}")


def _conclude(folder: RunFolder, dataset: data.Dataset, recipe: Recipe, runs: list[Run], device: str) -> None:
    """Writes what the folds come to, and last the summary, which says that it is finished."""
    splits, pool, fold = dealt(dataset, recipe)
    known = ~np.isin(pool.y, unseen_classes(pool.y, fold))
    said: dict[str, OutOfFold] = {}
    ensembles: dict[str, Ensemble] = {}
    for use, path in (("best", folder.best_weights), ("last", folder.last_weights)):
        networks = [load(run.path, use=use, device=device) for run in runs]
        p = np.empty((len(pool), len(dataset.classes)), np.float32)
        for i, network in enumerate(networks):
            rows = np.flatnonzero(fold == i)
            p[rows] = network.answers(replace(dataset, splits={"val": pool.part(rows)}), "val").vote
        said[use] = OutOfFold(dataset.classes, pool.names, fold, pool.y, p, known)
        ensembles[use] = Ensemble(networks, name=folder.path.name)
        ensembles[use].save(path)
    test = ensembles["best"].answers(replace(dataset, splits=splits), "test") if splits else None
    folder.write_json("data.json", dataset.findings.to_json())
    folder.write_text("oof.csv", csv_of(said["best"]))
    folder.write_json("summary.json", summarize(said["best"], said["last"], test, runs, folder, dataset.fingerprint))
