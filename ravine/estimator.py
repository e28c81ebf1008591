"""What scikit-learn expects of a classifier besides fitting and predicting, written out so as not to depend on it."""

import warnings
from importlib import import_module
from inspect import signature
from typing import Any, Self

import numpy as np

from ravine.errors import DataError, UsageError, did_you_mean

_SHAPES = "features [N, F] or images [N, H, W, ...]"


class Estimator:
    """Its parameters are the arguments of `__init__`, which keeps each under its name, untouched."""

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """The parameters by name. `deep` changes nothing: no parameter is an estimator itself."""
        return {name: getattr(self, name) for name in signature(type(self)).parameters}

    def set_params(self, **params: Any) -> Self:
        """Changes parameters; `fit` looks at their values. Raises UsageError for a name that is none."""
        known = self.get_params()
        for name in params:
            if name not in known:
                raise UsageError(f"no parameter {name!r}", where=type(self).__name__, cure=did_you_mean(name, known))
        for name, value in params.items():
            setattr(self, name, value)
        return self

    def __repr__(self) -> str:
        """The parameters that differ from the defaults."""
        defaults = {name: parameter.default for name, parameter in signature(type(self)).parameters.items()}
        given = {name: repr(value) for name, value in self.get_params().items()}
        changed = (f"{name}={text}" for name, text in given.items() if text != repr(defaults[name]))
        return f"{type(self).__name__}({', '.join(changed)})"

    def __sklearn_tags__(self) -> Any:
        from sklearn.utils import ClassifierTags, InputTags, Tags, TargetTags

        return Tags(
            estimator_type="classifier",
            target_tags=TargetTags(required=True),
            transformer_tags=None,
            classifier_tags=ClassifierTags(),
            regressor_tags=None,
            input_tags=InputTags(three_d_array=True),
        )

    def _not_fitted(self) -> UsageError:
        """An error that is scikit-learn's NotFittedError as well where that is installed, for callers that catch it."""

        class NotFittedError(UsageError, _scikit_learns("NotFittedError", AttributeError)):
            pass

        return NotFittedError("not fitted yet", where=type(self).__name__, cure="Call fit(X, y) first")


class _NotNumbersError(DataError, TypeError):
    """Objects that are no numbers: a TypeError too, as numpy and scikit-learn have it."""


def check_examples(X: Any) -> np.ndarray:
    """`X` as an array `[N, ...]` of numbers with at least one value in each example.

    Raises:
        DataError: sparse, complex, ragged, empty, one-dimensional, or objects that are no numbers.
    """
    if hasattr(X, "toarray"):
        raise DataError("sparse data are not supported", where="X", cure="Pass X.toarray()")
    try:
        x = np.asarray(X)
        x = x.astype(np.float64) if x.dtype.kind == "O" else x
    except TypeError as error:
        raise _NotNumbersError(str(error), where="X", expected="numbers") from None
    except ValueError as error:
        raise DataError(str(error), where="X", expected="an array of numbers") from None
    if x.dtype.kind == "c":
        raise DataError("Complex data not supported", where="X", expected="real numbers")
    if x.ndim < 2:
        cure = "Reshape your data: X[None] if it is one example, X[:, None] if it is one feature"
        raise DataError(f"shape {x.shape}", where="X", expected=_SHAPES, cure=cure)
    if 0 in x.shape:
        what = "sample(s)" if len(x) == 0 else "feature(s)"
        raise DataError(f"0 {what} (shape={x.shape}) while a minimum of 1 is required", where="X", expected=_SHAPES)
    return x


def check_labels(y: Any, n: int) -> np.ndarray:
    """`y` as an array `[n]` of integers, whole floats, booleans or strings; a column `[n, 1]` is taken with a warning.

    Raises:
        DataError: another length, shape or type, NaN, or numbers that are not whole.
    """
    if y is None:
        raise DataError("requires y to be passed, but the target y is None", where="fit")
    y = np.asarray(y)
    if y.ndim == 2 and y.shape[1] == 1:
        category = _scikit_learns("DataConversionWarning", UserWarning)
        warnings.warn("A column-vector y was passed when a 1d array was expected", category, stacklevel=3)
        y = y[:, 0]
    if y.shape != (n,):
        raise DataError(f"shape {y.shape}", where="y", expected=f"a label for each of the {n} examples: [{n}]")
    if y.dtype.kind == "f" and not (np.isfinite(y) & (y == np.rint(y))).all():
        what = "continuous" if np.isfinite(y).all() else "NaN or infinite"
        raise DataError(f"Unknown label type: {what}", where="y", expected="classes, not measured values")
    if y.dtype.kind not in "iubfU" and not (y.dtype.kind == "O" and all(isinstance(label, str) for label in y)):
        cure = "Convert the labels with y.astype(int) or y.astype(str)"
        raise DataError(f"Unknown label type: {y.dtype}", where="y", expected="integers, booleans, strings", cure=cure)
    return y


def _scikit_learns(name: str, otherwise: type) -> type:
    try:
        return getattr(import_module("sklearn.exceptions"), name)
    except ImportError:
        return otherwise
