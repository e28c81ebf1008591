"""Small trainings from pretrained weights."""

import numpy as np
import torch

import ravine
from ravine import data
from ravine.checkpoints import weights_file
from ravine.runs.defaults import resolve, with_held_out
from ravine.runs.opening import opened, start_of
from ravine.runs.trainer import Training

SMALL = {"epochs": 3, "batch": 16, "quiet": True, "device": "cpu", "lr": 0.05, "val": 0.2}
MODEL = "convnet(width=4)"


def digits(classes, n=60):
    """The first n digits of some classes, named by their words and 12 px a side, which every model takes."""
    split = data.load("digits").splits["train"]
    rows = np.flatnonzero(np.isin(split.y, classes))[:n]
    x = np.pad(split.take(rows), ((0, 0), (0, 0), (2, 2), (2, 2)))
    names = [f"class {c}" for c in classes]
    return {"x": x, "y": np.array([classes.index(c) for c in split.y[rows]]), "classes": np.array(names)}


NEW = digits([5, 6, 7])


def prepared(weights, arrays=NEW, **settings):
    recipe = ravine.Recipe(pretrained=str(weights), epochs=2, batch=16, lr=0.05, augment="none").changed(**settings)
    start = start_of(recipe)
    dataset, recipe = with_held_out(opened(arrays, recipe, start), recipe)
    recipe, _ = resolve(recipe, dataset, torch.device("cpu"), start)
    return Training(recipe, dataset, torch.device("cpu"), start=start)


def tensors_of(run, which="last"):
    return weights_file.read(run.path / "weights" / f"{which}.safetensors")[0]
