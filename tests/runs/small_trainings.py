"""Small trainings of three members, and what it means that two members are the same."""

import numpy as np
import torch

from ravine import data
from ravine.recipe import Recipe
from ravine.runs.state import state_of
from ravine.runs.trainer import Training

CPU = torch.device("cpu")
MLP = {"model": "mlp(hidden=(16,))", "optimizer": "adam", "lr": 0.01, "schedule": "one_cycle", "epochs": 2, "batch": 32}
MLP |= {"precision": "float32", "augment": "none", "members": 3, "forward": "loop"}
OUTSIDE = "l2(1e-3), weight_noise(0.01), max_norm(2)"
RICH = {
    "model": "convnet(width=4)",
    "optimizer": "adam(decay=0.01)",
    "augment": "translate(1), rotate(10), erase, mixup(0.2), cutmix",
    "regularize": f"{OUTSIDE}, dropout(0.3), spatial_dropout(0.1), stochastic_depth(0.1)",
    "clip": 0.5,
    "average": "ema(0.9)",
    "sam": 0.02,
}


def some_digits():
    some = data.load("digits").splits["train"]
    arrays = {"x": some.take(np.arange(200)), "y": some.y[:200], "classes": np.array([str(i) for i in range(10)])}
    return data.with_validation(data.load(arrays), 0.2, 0.0, 0)


def prepared(dataset, identities=None, **settings):
    recipe = Recipe(**{**MLP, **settings})
    recipe = recipe if recipe.members > 1 else recipe.changed(forward="direct")
    return Training(recipe, dataset, CPU, identities)


def trained(dataset, identities=None, **settings):
    training = prepared(dataset, identities, **settings)
    for _ in training.epochs():
        pass
    return training


def state(training, k) -> dict[str, torch.Tensor]:
    """All that is kept of member k."""
    tensors, _ = state_of(training)
    return {name: tensor[k].clone() for name, tensor in tensors.items() if tensor.dim()}


def assert_same(one, k, other, j):
    mine, its = state(one, k), state(other, j)
    assert mine.keys() == its.keys()
    for name, tensor in mine.items():
        assert torch.equal(tensor, its[name]), name
    for mine, its in zip(one.rows, other.rows, strict=True):
        for name in ("train/loss", "train/accuracy", "val/loss", "val/accuracy", "grad_norm", "train/clean_accuracy"):
            columns = (f"member{k:02d}/{name}", f"member{j:02d}/{name}" if other.recipe.members > 1 else name)
            assert mine[columns[0]] == its[columns[1]], name
