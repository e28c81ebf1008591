"""ravine in scikit-learn's manner: for pipelines, cross-validation and grid search. scikit-learn itself is not needed.

No folder is written: a `Classifier` lives in memory. It can be pickled, as scikit-learn asks of every estimator, and
whoever unpickles one trusts its author; ravine itself never reads or writes a pickle.
"""

import math
import warnings
from dataclasses import fields
from typing import Any, Literal, Self

import numpy as np
import torch

from ravine import data
from ravine.devices import device_named
from ravine.errors import DataError, UsageError
from ravine.estimator import Estimator, check_examples, check_labels
from ravine.recipe import Auto, Recipe
from ravine.runs.defaults import resolve, with_held_out
from ravine.runs.state import about, named
from ravine.runs.trainer import Training
from ravine.trained import Trained
from ravine.training.console import Console, epoch_line


class Classifier(Estimator):
    """A neural network for images or feature arrays, with the weights that did best on a validation split.

        >>> from ravine import Classifier
        >>> X = [[0.0], [0.1], [0.2], [0.3], [1.0], [1.1], [1.2], [1.3]]
        >>> y = ["low", "low", "low", "low", "high", "high", "high", "high"]
        >>> classifier = Classifier(model="mlp([16])").fit(X, y)
        >>> classifier.predict([[0.05], [1.25]]).tolist()
        ['low', 'high']

    Two fits with equal parameters and data give equal networks. Except for the last three the parameters are the fields
    of `ravine.Recipe`, and "auto" is decided from the data.

    Args:
        model: network: mlp, convnet or resnet, with settings: "mlp([64, 64])", "convnet(width=48)".
        optimizer: update rule: sgd, momentum, adagrad, rmsprop, adam, adamw, ... with settings.
        lr: learning rate at the schedule's peak.
        schedule: how the rate moves: constant, step, linear, cosine, one_cycle, ... with settings.
        epochs: passes over the training examples.
        batch: examples in a step.
        clip: longest gradient that is taken as it is; or "value(0.5)", "adaptive(0.01)".
        average: weights that are kept instead of the trained ones: "ema(0.999)", "swa(start=0.75)", "lookahead(k=5)".
        sam: radius within which the worst point is sought, whose gradient is taken; 0 is off.
        augment: what is done to training images: "flip, translate(4)", or none; auto augments colour images.
        regularize: against overfitting: "dropout(0.5), l2(5e-4), label_smoothing(0.1)", ... or none.
        balance: none, loss or sampler: what to do about unequal classes.
        size: side in pixels that uint8 images are brought to; auto keeps small ones as they are.
        val: share of the examples on which the best weights are chosen, and which are not trained on.
        patience: stop after so many epochs without a better validation score; 0 never stops early.
        members: networks trained side by side; the prediction is the average of their probabilities.
        precision: float32 or bfloat16; auto takes bfloat16 on a GPU.
        random_state: seed of every draw, a whole number; neither None nor a generator, for nothing is left to chance.
        device: auto, cpu, cuda, ...
        verbose: whether to show what the check of the data found, what was decided, and a line an epoch.

    Attributes:
        classes_: the labels `[classes]` in the order of the probabilities, of the type that `fit` was given.
        n_features_in_: values in an example: F, or H * W * C of images.
        trained_: the `ravine.Trained`, whose classes are the labels as strings.
        history_: a dictionary of metrics for each epoch.
        findings_: what the check of the data found (copies, tiny classes, ...), a `Findings`.
    """

    def __init__(
        self,
        *,
        model: str = "auto",
        optimizer: str = "auto",
        lr: float | Auto = "auto",
        schedule: str = "auto",
        epochs: int | Auto = "auto",
        batch: int | Auto = "auto",
        clip: float | str = math.inf,
        average: str = "none",
        sam: float = 0.0,
        augment: str = "auto",
        regularize: str = "none",
        balance: Literal["none", "loss", "sampler"] = "none",
        size: int | Auto = "auto",
        val: float | Auto = "auto",
        patience: int = 0,
        members: int = 1,
        precision: Literal["auto", "float32", "bfloat16"] = "auto",
        random_state: int = 0,
        device: str = "auto",
        verbose: bool = False,
    ):
        self.model = model
        self.optimizer = optimizer
        self.lr = lr
        self.schedule = schedule
        self.epochs = epochs
        self.batch = batch
        self.clip = clip
        self.average = average
        self.sam = sam
        self.augment = augment
        self.regularize = regularize
        self.balance = balance
        self.size = size
        self.val = val
        self.patience = patience
        self.members = members
        self.precision = precision
        self.random_state = random_state
        self.device = device
        self.verbose = verbose

    def fit(self, X: Any, y: Any) -> Self:
        """Trains on all of it but the validation split.

        Args:
            X: features `[N, F]`, or images `[N, H, W]`, `[N, H, W, 1|3]` or `[N, 1|3, H, W]`: uint8, or floats.
            y: labels `[N]`: integers, booleans or strings, two different ones at least. Where no label occurs twice
                there is nothing to set aside: a warning says that the best weights are chosen on the training examples.

        Raises:
            DataError: X or y are not that. UsageError: a parameter that cannot be.
            NonFiniteLossError: the training went astray; see `lr` and `clip`.
        """
        x = check_examples(X)
        classes, index = np.unique(check_labels(y, len(x)), return_inverse=True)
        if len(classes) < 2:
            raise DataError(f"only one class, {classes[0]}", where="y", expected="two or more")
        recipe, device, console = self._recipe(), device_named(self.device), Console(quiet=not self.verbose)
        arrays = {"x": x, "y": index, "classes": classes.astype(str)}
        if len(classes) == len(x):
            text = "no label occurs twice: the best weights are chosen on the training examples themselves"
            warnings.warn(text, UserWarning, stacklevel=2)
            arrays |= {"x_val": x, "y_val": index}
        dataset, recipe = with_held_out(data.load(arrays, size=recipe.size), recipe)
        recipe, said = resolve(recipe, dataset, device)
        training = Training(recipe, dataset, device)
        for line in [f"warning: {found.text}" for found in dataset.findings.warnings] + said:
            console.say(line)
        for row, times in training.epochs(on_freeze=lambda frozen: console.warn(f"{frozen}; the others go on")):
            best = row["epoch"] in training.best.epochs
            console.say(epoch_line(row, times, int(training.recipe.epochs), best))
        training.best.keep_latest(training.population)
        tensors = named(training, training.best.state)
        self.trained_ = Trained(tensors, about(training, "best"), name=type(self).__name__, device=device)
        self.classes_, self.n_features_in_, self._shape = classes, math.prod(x.shape[1:]), x.shape[1:]
        self.history_, self.findings_ = training.rows, dataset.findings
        return self

    def predict_proba(self, X: Any) -> np.ndarray:
        """Probabilities `[N, classes]` float32, in the order of `classes_`. X is of the shape that `fit` was given."""
        if not hasattr(self, "trained_"):
            raise self._not_fitted()
        x, network = check_examples(X), self.trained_
        if x.shape[1:] != self._shape:
            n, name = math.prod(x.shape[1:]), type(self).__name__
            what = f"X has {n} features, but {name} is expecting {self.n_features_in_} features as input"
            raise DataError(f"{what}: shape {x.shape}", expected=f"[N, {', '.join(map(str, self._shape))}]")
        return network.probabilities(data.examples(x, "X", network.preprocessing))

    def predict(self, X: Any) -> np.ndarray:
        """The likeliest label of each example, `[N]`."""
        likeliest = self.predict_proba(X).argmax(axis=1)
        return self.classes_[likeliest]

    def score(self, X: Any, y: Any, sample_weight: Any = None) -> float:
        """The accuracy: the share of examples whose label is predicted, weighted where weights `[N]` are given."""
        predicted = self.predict(X)
        return float(np.average(predicted == check_labels(y, len(predicted)), weights=sample_weight))

    def __getstate__(self) -> dict[str, Any]:
        state = dict(vars(self))
        if "trained_" in state:
            named = self.trained_.population.named(self.trained_.population.state())
            weights = {name: tensor.numpy(force=True) for name, tensor in named.items()}
            state["trained_"] = weights, self.trained_.about
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(state)
        if "trained_" in state:
            weights, about = state["trained_"]
            tensors = {name: torch.from_numpy(np.array(weight)) for name, weight in weights.items()}
            device = device_named(self.device)
            self.trained_ = Trained(tensors, about, name=type(self).__name__, device=device)

    def _recipe(self) -> Recipe:
        """The recipe that the parameters spell out. Raises UsageError for a value of the wrong type or range."""
        # a grid over np.arange holds numpy's numbers
        given = {n: value.item() if isinstance(value, np.generic) else value for n, value in self.get_params().items()}
        seed = given.pop("random_state")
        if isinstance(seed, bool) or not isinstance(seed, int) or seed < 0:
            raise UsageError(f"cannot be {seed!r}", where="random_state", expected="a whole number, 0 or more")
        for name, value in given.items():
            if not isinstance(value, str if name in _TEXTS else int | float | str):
                expected = "a string" if name in _TEXTS else "a number, or a string"
                raise UsageError(f"cannot be {value!r}", where=name, expected=expected)
        # auto would take the way that it times as the faster one, and two timings need not agree
        forward = "direct" if given["members"] == 1 else "loop"
        known = {field.name for field in fields(Recipe)}
        settings = {name: value for name, value in given.items() if name in known}
        # the same rows give the same network, and a search of parameters compares trainings of equal length
        return Recipe().changed(**settings, budget="none", forward=forward, seed=seed)


_TEXTS = ("model", "optimizer", "schedule", "average", "augment", "regularize", "device")
