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
    from ravine.errors import RavineError
    from ravine.loading import load
    from ravine.recipe import Recipe
    from ravine.runs import Run, resume, train
    from ravine.runs.lr_search import lr_find
    from ravine.trained import Prediction, Trained

# public name -> where it lives
_HOMES = {
    "Classifier": "ravine.classifier",
    "Prediction": "ravine.trained",
    "RavineError": "ravine.errors",
    "Recipe": "ravine.recipe",
    "Run": "ravine.runs",
    "Trained": "ravine.trained",
    "load": "ravine.loading",
    "lr_find": "ravine.runs.lr_search",
    "resume": "ravine.runs",
    "train": "ravine.runs",
}

__all__ = ["Classifier", "Prediction", "RavineError", "Recipe", "Run", "Trained", "load", "lr_find", "resume", "train"]


def __getattr__(name: str) -> object:
    if name in _HOMES:
        return getattr(import_module(_HOMES[name]), name)
    raise AttributeError(f"module 'ravine' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
