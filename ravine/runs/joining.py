"""Finished trainings put together: where their data is, which members vote, and one network out of their weights."""

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch

from ravine import data, draws
from ravine.checkpoints.run_folder import RunFolder
from ravine.ensemble import Ensemble
from ravine.ensembles import Answers, greedy, greedy_soup, uniform_soup
from ravine.errors import DataError, UsageError
from ravine.optimization import recompute_statistics
from ravine.pretrained import learned_by
from ravine.runs.run import Run
from ravine.runs.running import source_of
from ravine.seen import Seen, seen_by
from ravine.trained import Trained

_STATISTICS_SAMPLE, _BATCH = 2000, 100


def folder_of(path: str) -> RunFolder | None:
    """The run's folder that `path` is or, as a weights file, lies in; None where there is none."""
    here = Path(path)
    folder = RunFolder(here if here.is_dir() else here.resolve().parent.parent)
    return folder if folder.request.is_file() else None


def place_of(paths: Sequence[str]) -> str:
    """Where the data is that all these runs were trained on.

    Raises:
        UsageError: that is not known, or not one place. DataError: it is no longer there.
    """
    places = []
    for path in paths:
        folder = folder_of(path)
        if folder is None:
            raise UsageError("does not say where its data is", where=path, cure="Give --data PLACE")
        places.append(source_of(Run(folder.path)))
    if len(set(places)) > 1:
        found = ", ".join(dict.fromkeys(places))
        raise UsageError(f"trained on different data: {found}", where="ravine ensemble", cure="Give --data PLACE")
    return places[0]


def seconds_of(paths: Sequence[str]) -> float | None:
    """What training these runs took, data and compute, all folds of a k-fold run; None where one does not tell."""
    total = 0.0
    folders = {folder.path.resolve() if folder else None: folder for folder in map(folder_of, paths)}
    for folder in folders.values():
        rows = [row for run in _trainings(folder) for row in run.read_rows(run.times.name)] if folder else []
        if not rows:
            return None
        total += sum(row["data"] + row["compute"] for row in rows)
    return total


def _trainings(folder: RunFolder) -> list[RunFolder]:
    """The runs of a k-fold run, or the run itself."""
    k = folder.read_json(folder.request.name).get("kfold", 0)
    return [RunFolder(folder.path / f"fold{i}") for i in range(k)] or [folder]


def selected(ensemble: Ensemble, val: Answers) -> tuple[Ensemble, dict[str, int]]:
    """The members that greedy selection with replacement takes on validation, and how often it took each."""
    weights = greedy(val)
    picks = next(n for n in range(1, 1001) if np.allclose(weights * n, np.round(weights * n), atol=1e-6))
    counts = {name: round(w * picks) for name, w in zip(ensemble.names, weights, strict=True) if w > 0}
    return Ensemble([ensemble], weights, name=ensemble.name), counts


def souped(ensemble: Ensemble, dataset: Seen, how: Literal["uniform", "greedy"]) -> tuple[Trained, list[str]]:
    """One network whose weights are the average of the members', and whose weights they are.

    Batch norm's statistics are taken anew on training images; greedy chooses on validation.

    Args:
        ensemble: of members of one architecture.
        dataset: with "train" and, for greedy, "val", as no member was trained on it.

    Raises:
        UsageError: members of several architectures. DataError: no such splits.
    """
    first = ensemble.parts[0]
    for name in _KIND:
        kinds = {json.dumps(part.about[name]) for part in ensemble.parts}
        if len(kinds) > 1:
            found = f"networks of different {name}: {', '.join(sorted(kinds))}"
            raise UsageError(found, where=f"--soup {how}", expected=f"the same {', '.join(_KIND)}")
    needed = {"train", "val"} if how == "greedy" else {"train"}
    if not needed <= dataset.splits.keys():
        lost = ", ".join(sorted(needed - dataset.splits.keys()))
        raise DataError(f"no {lost} images that are so for all networks", where=f"--soup {how}")
    members = [(part, k) for part in ensemble.parts for k in range(part.about["members"])]
    states = [part.of([k]).tensors for part, k in members]

    def network(state: Any, names: list[str]) -> Trained:
        about = {name: value for name, value in first.about.items() if name not in ("identities", "places")}
        about |= {"members": 1, "which": "soup", "soup": names, "epochs": None, "scores": None}
        about["ancestors"] = [asdict(one) for part in ensemble.parts for one in learned_by(part.about, part.name)]
        made = Trained(state, about, name="soup", device=first.device)
        _take_statistics(made, seen_by(first, dataset).splits["train"])
        return made

    def score(state: Any) -> float:
        return float(network(state, []).answers(seen_by(first, dataset), "val").correct.mean())

    if how == "uniform":
        return network(uniform_soup(states), list(ensemble.names)), list(ensemble.names)
    state, chosen = greedy_soup(states, score)
    names = [ensemble.names[k] for k in chosen]
    return network(state, names), names


_KIND = ("model", "in_shape", "classes", "preprocessing", "normalization")


def _take_statistics(network: Trained, train: data.Split) -> None:
    """Batch norm's statistics at the network's present weights, over images spread evenly over the training split."""
    rows = np.linspace(0, len(train) - 1, min(len(train), _STATISTICS_SAMPLE)).astype(np.int64)
    chunks = [chunk for chunk in np.array_split(rows, -(-len(rows) // _BATCH)) if len(chunk) > 1]
    batches = (network.normalize(torch.from_numpy(train.take(chunk)).to(network.device)) for chunk in chunks)
    with draws.seeded(0, 0, "statistics"), torch.no_grad():
        recompute_statistics(network.population.members[0], batches)
