"""One training of `ravine transfers`: what is kept and frozen in it, and what came of it, as a row of a file."""

import time
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from ravine.recipe import Recipe
from ravine.runs.trainer import Training
from ravine.training.feed import clean_batches
from ravine.training.fit import Position
from ravine.transfer import block_features, cka, linear_probe
from ravine.transfer.what_transfers import Setting

if TYPE_CHECKING:
    from ravine.runs.transfer_plan import Experiment

Row = dict[str, Any]
# Features are compared over so many validation images, and a probe is fitted on so many training images, at most
_COMPARED, _PROBED = 2000, 5000


def recipe_for(asked: Recipe, setting: Setting, rate: float) -> Recipe:
    """The recipe of one training: alike in all but what becomes of the first blocks.

    In a random block batch norm takes the statistics of the new images: without any, the control would be no network
    that anybody would use. Where the whole network is kept the training is that of `ravine finetune`. Elsewhere what is
    new has the rate of a training from scratch, and blocks that are kept and fine-tuned are treated as by `ravine
    finetune`, or they would be torn: they wait until the rest knows something, and then take its share of the rate.

    Args:
        asked: what all have in common.
        setting: which of them.
        rate: of a training from scratch.
    """
    line, depth = setting
    if line == "whole":
        return asked.changed(freeze=f"first {depth}" if depth else "none")
    first = f"first {depth}"
    keep = {"frozen": first, "tuned": first, "random": "none", "scratch": "none"}[line]
    freeze = first if line in ("frozen", "random") else "none"
    bn = "stats" if line == "random" else asked.bn
    unfreeze_at = asked.unfreeze_at if line == "tuned" else 0.0
    return asked.changed(keep=keep, freeze=freeze, bn=bn, unfreeze_at=unfreeze_at, lr=rate)


def point(
    plan: "Experiment",
    setting: Setting,
    on_step: Callable[[Training, Position], None],
    compare: bool,
) -> Row:
    """Trains, and says which images each member's last weights call right: nothing in a point is chosen on validation.

    Args:
        plan: the experiment; test images are answered where one can be recommended to use the point.
        setting: which point.
        on_step: called after each step.
        compare: also say what each block gives before and after: the probe of the pretrained network, and CKA.
    """
    recipe, _ = plan.decided(setting)
    training, began = Training(recipe, plan.dataset, plan.device, start=plan.start), time.monotonic()
    if setting[0] == "tuned" and training.tuning:
        training.tuning.plan = replace(training.tuning.plan, share=plan.share)
    before = _features(training, "val", _COMPARED) if compare else []
    row: Row = {"line": setting[0], "depth": setting[1]}
    if compare:
        row["probe"] = _probes(training)
    for _ in training.epochs(lambda position: on_step(training, position)):
        pass
    with training.deployed():
        right = {name: _right(training, name) for name in _asked_of(setting, training)}
        after = _features(training, "val", _COMPARED) if compare else []
    if compare:
        row["cka"] = [
            [cka(x, y) if len(x) >= 4 else float("nan") for x, y in zip(own, its, strict=True)]
            for own, its in zip(before, after, strict=True)
        ]
    row |= {name: _packed(of) for name, of in right.items()}
    row["lost"] = [training.identities[frozen.member] for frozen in training.position.frozen]
    return {**row, "seconds": time.monotonic() - began}


def right_of(row: Row, split: str) -> np.ndarray:
    """Which images of a split each member calls right, bool `[K, N]`, out of a row."""
    kept = row[split]
    bits = np.array([np.frombuffer(bytes.fromhex(line), np.uint8) for line in kept["right"]])
    return np.unpackbits(bits, axis=1, count=kept["n"]).astype(bool)


def _asked_of(setting: Setting, training: Training) -> list[str]:
    """The splits that a point answers for: test only where it can be what is recommended."""
    deepest = len(training.tuning.row) - 1 if training.tuning else 0
    recommended = setting[0] in ("whole", "scratch") or setting == ("frozen", deepest)
    return ["val", *(["test"] if recommended and "test" in training.dataset.splits else [])]


def _packed(right: np.ndarray) -> Row:
    return {"n": right.shape[1], "right": [line.tobytes().hex() for line in np.packbits(right, axis=1)]}


@torch.no_grad()
def _right(training: Training, split: str) -> np.ndarray:
    """bool `[K, N]`, in eval mode."""
    training.population.train(False)
    rows, members, said = torch.arange(len(training.labels[split])), training.recipe.members, []
    take, labels = training.takes[split], training.labels[split]
    for x, y in clean_batches(take, labels, rows.to(training.device), training.normalize):
        said.append((training.run(x.expand(members, *x.shape)).argmax(2) == y).cpu().numpy())
    return np.concatenate(said, axis=1)


def _features(training: Training, split: str, most: int, members: int | None = None) -> list[list[torch.Tensor]]:
    """What each block before the head gives, by member and block, `[N, F_d]` each: at most so many images."""
    networks = training.population.members[:members]
    depths = range(1, len(training.tuning.row)) if training.tuning else ()
    chunks = [[block_features(network, x, depths) for network in networks] for x, _ in _inputs(training, split, most)]
    return [
        [torch.cat([chunk[k][d].cpu() for chunk in chunks]) for d in range(len(depths))] for k in range(len(networks))
    ]


def _probes(training: Training) -> list[float]:
    """Accuracy of a linear probe on each block of the first member as it is now, on validation.

    It is fitted on four of five training images, and the fifth ones choose its strength: validation chooses nothing.
    """
    splits = ("train", "val")
    of_train, of_val = (_features(training, split, _PROBED, members=1)[0] for split in splits)
    y, y_val = (torch.cat([y for _, y in _inputs(training, split, _PROBED)]).cpu() for split in splits)
    fifth = torch.arange(len(y)) % 5 == 4
    found, classes = [], len(training.dataset.classes)
    for x, x_val in zip(of_train, of_val, strict=True):
        probe = linear_probe(x[~fifth], y[~fifth], x[fifth], y[fifth], classes)
        found.append(float((probe.predict(x_val) == y_val).double().mean()))
    return found


def _inputs(training: Training, split: str, most: int):
    """Batches of at most so many evenly spaced images of a split, as the network sees them, and their labels."""
    n = len(training.labels[split])
    rows = torch.linspace(0, n - 1, min(n, most)).long().to(training.device)
    return clean_batches(training.takes[split], training.labels[split], rows, training.normalize)
