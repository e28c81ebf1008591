"""ravine: train an image classifier as good as the data allows, and see why it is.

    import ravine
    run = ravine.train("photos/", epochs=20)
    print(run.best.predict("new.jpg"))

Importing ravine imports no torch; the first use of a name does.
"""

from importlib import import_module
from typing import TYPE_CHECKING

__version__ = "0.1.0"

if TYPE_CHECKING:
    from ravine.classifier import Classifier
    from ravine.ensemble import Ensemble
    from ravine.errors import RavineError
    from ravine.exporting import export
    from ravine.loading import load
    from ravine.prediction import Prediction
    from ravine.recipe import Recipe
    from ravine.runs import Observer, Run, resume, train
    from ravine.runs.distill import distill
    from ravine.runs.features import features
    from ravine.runs.finetune import finetune
    from ravine.runs.kfold import kfold
    from ravine.runs.lr_search import lr_find
    from ravine.runs.probing import probe
    from ravine.runs.transfers import transfers
    from ravine.runs.uncertain import predict_with_uncertainty
    from ravine.trained import Trained

# public name -> where it lives
_HOMES = {
    "Classifier": "ravine.classifier",
    "Ensemble": "ravine.ensemble",
    "Observer": "ravine.runs",
    "Prediction": "ravine.prediction",
    "RavineError": "ravine.errors",
    "Recipe": "ravine.recipe",
    "Run": "ravine.runs",
    "Trained": "ravine.trained",
    "distill": "ravine.runs.distill",
    "export": "ravine.exporting",
    "features": "ravine.runs.features",
    "finetune": "ravine.runs.finetune",
    "kfold": "ravine.runs.kfold",
    "load": "ravine.loading",
    "lr_find": "ravine.runs.lr_search",
    "predict_with_uncertainty": "ravine.runs.uncertain",
    "probe": "ravine.runs.probing",
    "resume": "ravine.runs",
    "train": "ravine.runs",
    "transfers": "ravine.runs.transfers",
}

__all__ = [
    "Classifier",
    "Ensemble",
    "Observer",
    "Prediction",
    "RavineError",
    "Recipe",
    "Run",
    "Trained",
    "distill",
    "export",
    "features",
    "finetune",
    "kfold",
    "load",
    "lr_find",
    "predict_with_uncertainty",
    "probe",
    "resume",
    "train",
    "transfers",
]


def __getattr__(name: str) -> object:
    if name in _HOMES:
        return getattr(import_module(_HOMES[name]), name)
    raise AttributeError(f"module 'ravine' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
