"""What a sweep found: each value's accuracy on validation, and which values cannot be told apart from the best."""

import csv
import io
from typing import Any

import numpy as np
import torch

from ravine.checkpoints.run_folder import RunFolder
from ravine.ensembles import Answers
from ravine.ensembles.difference import ALIKE, difference
from ravine.ensembles.scores import log_losses
from ravine.interval import wilson
from ravine.runs.sweeping import Sweep, sweep_of
from ravine.runs.trainer import Training
from ravine.training.feed import clean_batches


def judge(training: Training) -> dict[str, Any] | None:
    """The result of the recipe's sweep, for `summary.json`; None where there is none.

    Each member counts with its best weights on validation, the images that also chose them: all values are flattered
    alike, and the winner once more. A difference to the winner has two intervals, both paired: over the images, for
    these trainings on new images; over the seeds, for new trainings (with two seeds or more). Only where neither holds
    0 is the value told apart. Each comparison is at 95% on its own.
    """
    sweep = sweep_of(training.recipe)
    if sweep is None:
        return None
    answers = _answers(training)
    lost = {k for k, epoch in enumerate(training.best.epochs) if not epoch}  # frozen before any score
    right, losses = answers.correct.astype(np.float64), log_losses(answers.probabilities, answers.labels)
    frozen = {f.member for f in training.position.frozen}
    values = [_value(training, sweep, i, right, losses, frozen) for i in range(len(sweep.cells))]
    alive = [i for i in range(len(values)) if values[i]["scored"]]
    winner = max(alive, key=lambda i: (values[i]["accuracy"], -values[i]["loss"]))
    for value in values:
        value |= _against(right, value["members"], values[winner]["members"], lost)
    values[winner] |= {"difference": 0.0, "over_images": None, "over_seeds": None, "told_apart": False}
    return {
        "swept": str(sweep),
        "seeds": sweep.seeds,
        "n": len(answers.labels),
        "winner": winner,
        "values": values,
        "verdict": _verdict(values, winner),
        "edges": _edges(sweep, values[winner]["settings"]),
    }


def write(folder: RunFolder, found: dict[str, Any]) -> None:
    """`sweep.csv`: a row a value, which says what members have it. Raises SaveError."""
    text = io.StringIO()
    rows = [_flat(value, i == found["winner"]) for i, value in enumerate(found["values"])]
    writer = csv.DictWriter(text, list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    folder.write_text("sweep.csv", text.getvalue())


def in_words(settings: dict[str, float]) -> str:
    """`lr=0.01, l2=0`."""
    return ", ".join(f"{name}={value:g}" for name, value in settings.items())


@torch.no_grad()
def _answers(training: Training) -> Answers:
    """What all members, with their best weights, say of the validation images."""
    population, rows = training.population, torch.arange(len(training.labels["val"]), device=training.device)
    kept = {name: tensor.clone() for name, tensor in population.state().items()}
    population.load(training.best.state)
    population.train(False)
    members, said = training.recipe.members, []
    for x, _ in clean_batches(training.takes["val"], training.labels["val"], rows, training.normalize):
        said.append(training.run(x.expand(members, *x.shape)).float().softmax(2).cpu().numpy())
    population.load(kept)
    return Answers(np.concatenate(said, axis=1), training.labels["val"].cpu().numpy())


def _value(
    training: Training, sweep: Sweep, cell: int, right: np.ndarray, losses: np.ndarray, frozen: set[int]
) -> dict[str, Any]:
    members = sweep.members(cell)
    scored = [k for k in members if training.best.epochs[k]]
    accuracy = float(right[scored].mean()) if scored else None
    n = right.shape[1]
    return {
        "settings": sweep.cells[cell],
        "members": members,
        "identities": [training.identities[k] for k in members],
        "best_epochs": [training.best.epochs[k] for k in members],
        "frozen": [k for k in members if k in frozen],
        "scored": scored,
        "accuracy": accuracy,
        # of a mean over seeds Wilson's is a little too wide, and it holds near 100% too
        "accuracy_interval": None if accuracy is None else list(wilson(accuracy * n, n)),
        "loss": float(losses[scored].mean()) if scored else None,
    }


def _against(right: np.ndarray, value: list[int], winner: list[int], lost: set[int]) -> dict[str, Any]:
    """A value's members minus the winner's, `right` bool-like `[K, N]`: paired over the images, and over the seeds.

    Only seeds that have a score in both count. Seeds that differ equally by chance say nothing about new ones.
    """
    pairs = [(k, j) for k, j in zip(value, winner, strict=True) if not {k, j} & lost]
    if not pairs:  # without a score in common the value is worse where it has none, and else not known
        return {"difference": None, "over_images": None, "over_seeds": None, "told_apart": set(value) <= lost}
    own, best = (right[list(members)] for members in zip(*pairs, strict=True))
    images, seeds = difference(own.mean(0), best.mean(0)), own.mean(1) - best.mean(1)
    over_images, over_seeds = [images.low, images.high], None
    if np.ptp(seeds) > ALIKE:
        of_seeds = difference(own.mean(1), best.mean(1))
        over_seeds = [of_seeds.low, of_seeds.high]
    known = [over_images, *([over_seeds] if over_seeds else [])]
    sure = len(value) == 1 or over_seeds is not None
    told_apart = sure and all(not low <= 0 <= high for low, high in known)
    found = {"over_images": over_images, "over_seeds": over_seeds, "told_apart": told_apart}
    return {"difference": images.value, **found}


def _verdict(values: list[dict[str, Any]], winner: int) -> str:
    best = values[winner]
    alike = [in_words(v["settings"]) for i, v in enumerate(values) if i != winner and not v["told_apart"]]
    if not alike:
        said = "every other value is worse"
    elif len(alike) == len(values) - 1:
        said = "no other value can be told apart from it"
    else:
        said = f"{' and '.join(alike)} cannot be told apart from it"
    return f"{in_words(best['settings'])} has the best mean accuracy, {best['accuracy']:.1%}; {said}"


def _edges(sweep: Sweep, winner: dict[str, float]) -> list[str]:
    """Where the winner lies at an end of what was tried, beyond which may be better ones."""
    said = []
    for name, values in sweep.axes.items():
        low, high = min(values), max(values)
        if low < high and winner[name] in (low, high) and winner[name] != 0:
            end, side = ("lowest", "below") if winner[name] == low else ("highest", "above")
            said.append(f"{name}={winner[name]:g} is the {end} value tried: there may be better ones {side} it")
    return said


def _flat(value: dict[str, Any], winner: bool) -> dict[str, Any]:
    """A value as a row of the CSV."""
    row = {**value["settings"], **{name: " ".join(map(str, value[name])) for name in ("members", "identities")}}
    row |= {name: value[name] for name in ("accuracy", "loss", "difference")}  # None is an empty cell
    for name in ("accuracy_interval", "over_images", "over_seeds"):
        low, high = value[name] or (None, None)
        row |= {f"{name}_low": low, f"{name}_high": high}
    return {**row, "frozen": " ".join(map(str, value["frozen"])), "winner": winner}
