"""`--snapshots`: one training along a cyclic schedule, kept at the end of each cycle as the members of an ensemble."""

from itertools import chain
from typing import Any

import torch

from ravine.checkpoints import weights_file
from ravine.checkpoints.run_folder import RunFolder
from ravine.ensembles import cycle_ends
from ravine.ensembles.difference import difference
from ravine.errors import UsageError
from ravine.loading import load
from ravine.recipe import Recipe
from ravine.runs import descent, regularizing
from ravine.runs.state import about
from ravine.runs.trainer import Training

_TRIED = 20_000  # steps on which cycles are counted before the true number is known


def check(recipe: Recipe) -> None:
    """Raises UsageError, before any data is read, for snapshots that cannot be."""
    where = f"--snapshots {recipe.snapshots}"
    if not recipe.snapshots:
        return
    if recipe.snapshots == 1:
        raise UsageError("one snapshot is the last weights", where=where, expected="2 or more, or 0 for none")
    if regularizing.with_patience(recipe).patience:
        what = "a new cycle begins with worse scores, at which --patience (early_stopping) would end the training"
        raise UsageError(what, where=where, expected="a training that goes to its end")
    if recipe.sweep:
        raise UsageError("not with --sweep", where=where, cure="Sweep first, then train with the best value")
    _ends(recipe, _TRIED, "")


def planned(recipe: Recipe, steps: int) -> str:
    """When the snapshots will be taken, in words, where an epoch has so many steps. Raises UsageError as `check`."""
    total = int(recipe.epochs) * steps
    ends = _ends(recipe, total, f" over {total:,} steps")
    return f"{len(ends)} snapshots, in epochs {', '.join(str(epoch) for epoch in _epochs(ends, steps))}"


def _ends(recipe: Recipe, steps: int, over: str) -> list[int]:
    wanted, chosen = recipe.snapshots, schedule(recipe)
    ends = cycle_ends(descent.schedule(recipe.changed(schedule=chosen)), steps)
    if len(ends) != wanted:
        found = f"--schedule {chosen!r} has {len(ends)} cycle{'s' if len(ends) > 1 else ''}{over}"
        cure = f'Use --schedule "cosine_restarts(cycles={wanted})" and enough epochs'
        cure += f", or --snapshots {len(ends)}" if len(ends) > 1 else ""
        raise UsageError(found, where=f"--snapshots {wanted}", expected=f"{wanted}, each with its snapshot", cure=cure)
    return ends


def _epochs(ends: list[int], steps: int) -> list[int]:
    """The epochs in which these numbers of steps are done."""
    return [-(-end // steps) for end in ends]


def schedule(recipe: Recipe) -> str:
    """The recipe's schedule; the one with as many cycles as snapshots where that is left open."""
    return f"cosine_restarts(cycles={recipe.snapshots})" if recipe.schedule == "auto" else recipe.schedule


def write(folder: RunFolder, training: Training) -> None:
    """Writes the snapshots so far as one weights file, whose members they are: snapshot by snapshot, all that vote.

    Raises SaveError.
    """
    if not training.snapshots or not training.snapshots.states:
        return
    states, voters = training.snapshots.states, training.voters
    together = {name: torch.cat([state[name][voters] for state in states]) for name in states[0]}
    epochs = _epochs(training.snapshots.ends[: len(states)], training.feed.steps)
    said = about(training, "snapshots")
    said = {
        **said,
        "members": len(voters) * len(states),
        **{name: said[name] * len(states) for name in ("places", "identities")},
        "epochs": list(chain.from_iterable([epoch] * len(voters) for epoch in epochs)),
    }
    weights_file.write(folder.snapshot_weights, training.population.named(together), said)


def summary(training: Training, folder: RunFolder) -> dict[str, Any]:
    """What the snapshots and their vote get right on validation and test; nothing is chosen on either.

    Returns:
        For each split the accuracy of each snapshot (the vote of its members, where there are several) and of the
        vote of all, and the gain over the last snapshot with its 95% interval, paired over the images.
    """
    trained = load(folder.snapshot_weights, device=str(training.device))
    count = training.recipe.snapshots
    members = trained.about["members"] // count
    found: dict[str, Any] = {"weights": str(folder.snapshot_weights), "epochs": trained.about["epochs"][::members]}
    for name in ("val", "test"):
        if name in training.dataset.splits:
            answers = trained.answers(training.dataset, name)
            votes = [answers.of(list(range(i * members, (i + 1) * members))).vote for i in range(count)]
            right = [vote.argmax(1) == answers.labels for vote in (*votes, answers.vote)]
            gain = difference(right[-1], right[-2])
            found[name] = {
                "n": len(answers.labels),
                "accuracy": [float(one.mean()) for one in right[:-1]],
                "vote_accuracy": float(right[-1].mean()),
                "gain_over_last": gain.value,
                "gain_interval": [gain.low, gain.high],
            }
    return found
