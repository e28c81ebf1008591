"""What a training came to: the summary that is kept with the run and printed at its end."""

from dataclasses import asdict
from typing import Any

import numpy as np

from ravine.checkpoints.run_folder import RunFolder
from ravine.runs import snapshots
from ravine.runs.judging import judged as judged_ensemble
from ravine.runs.predicting import Kept, predictions_of, write_pictures
from ravine.runs.scoring import score
from ravine.runs.sparing import spared
from ravine.runs.state import about, named
from ravine.runs.trainer import Training
from ravine.runs.watching import traps_of
from ravine.trained import Trained
from ravine.training.console import Console

_CLEAN = 5000


def summarize(training: Training, save_seconds: float, folder: RunFolder, console: Console) -> dict[str, Any]:
    """Scores best and last weights on validation and, once, on test; and the best on training images, in eval mode.

    What the best say of each image is written into the folder; where that fails, the console says so. The population
    is left with the last weights. `save_seconds` are those of saves after the last epoch.
    """
    classes, voters = training.dataset.classes, training.voters
    frozen = [{**asdict(one), "best_epoch": training.best.epochs[one.member]} for one in training.position.frozen]
    held_out = [name for name in ("val", "test") if name in training.dataset.splits]
    kept = {name: tensor.clone() for name, tensor in training.population.state().items()}
    training.population.load(training.best.state)
    said = {name: Kept(len(training.labels[name]), training.device) for name in held_out}
    best = {name: score(training, name, keep=said[name]) for name in held_out}
    predictions = predictions_of(training.dataset, said)
    with spared(folder.predictions.name, console):
        folder.write_text(folder.predictions.name, predictions.to_csv(classes))
    with spared(folder.shown.name, console):
        write_pictures(folder, training.dataset, predictions, held_out)
    n = len(training.dataset.splits["train"])
    clean = score(training, "train", np.linspace(0, n - 1, min(n, _CLEAN)).astype(np.int64))
    training.population.load(kept)
    last = best
    if set(training.best.epochs) != {training.position.epoch}:  # else the best weights are the last
        with training.deployed():
            last = {name: score(training, name) for name in held_out}
    judged = best[held_out[-1]]
    confusions = [{"true": classes[a], "predicted": classes[b], "count": count} for a, b, count in judged.confusions()]
    epochs = training.position.epoch
    return {
        "finished": True,
        "fingerprint": training.dataset.fingerprint,
        "accuracy": judged.vote_accuracy,
        "scored_on": held_out[-1],
        "run": str(folder.path),
        "epochs": epochs,
        "stopped": "all epochs done" if epochs == training.epochs_planned else f"patience {training.recipe.patience}",
        "best_epoch": [training.best.epochs[k] for k in voters] if len(voters) > 1 else training.best.epochs[voters[0]],
        **({"frozen": frozen} if frozen else {}),
        "best": {name: score.to_json(classes) for name, score in best.items()},
        "last": {name: score.to_json(classes) for name, score in last.items()},
        **({"snapshots": snapshots.summary(training, folder)} if training.recipe.snapshots else {}),
        "clean_train": clean.to_json(classes),
        "train": training.rows[-1] if training.rows else {},
        "worst_confusions": confusions,
        "traps": [asdict(trap) for trap in traps_of(folder)],
        "seconds": {
            **{part: sum(row[part] for row in training.times) for part in ("data", "compute", "validation")},
            "saving": sum(row.get("saving", 0.0) for row in training.times) + save_seconds,
        },
        **({"budget": training.pacer.to_json()} if training.pacer else {}),
        "weights": {"best": str(folder.best_weights), "last": str(folder.last_weights)},
        **({"ensemble": _ensemble(training)} if len(voters) > 1 and not training.recipe.sweep else {}),
    }


def _ensemble(training: Training) -> dict[str, Any]:
    """The report of members that vote, by their best weights."""
    best = Trained(named(training, training.best.state), about(training, "best"), device=training.device)
    seconds = sum(row["data"] + row["compute"] for row in training.times)
    return judged_ensemble(best, training.dataset, training=seconds).to_json()
