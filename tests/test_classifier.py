"""ravine.Classifier keeps scikit-learn's contract, and works without scikit-learn."""

import copy
import doctest
import pickle
import subprocess
import sys
import warnings

import joblib
import numpy as np
import pytest
import torch
from sklearn.base import clone
from sklearn.exceptions import DataConversionWarning, NotFittedError
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import estimator_checks_generator

import ravine.classifier
from ravine import Classifier
from ravine.data import cut, digits
from ravine.errors import DataError, NonFiniteLossError, RavineError, UsageError

QUICK = Classifier(model="mlp([32])", lr=0.02, epochs=10, batch=32)

# scikit-learn's checks that cannot hold for this kind of estimator, with the reason: none
EXPECTED_FAILURES: dict[str, str] = {}

with warnings.catch_warnings():
    # the interface is implemented, not inherited, so that scikit-learn is no dependency
    warnings.filterwarnings("ignore", "Estimator Classifier does not inherit")
    CHECKS = list(estimator_checks_generator(QUICK, expected_failed_checks=EXPECTED_FAILURES, mark="xfail"))


@pytest.fixture(autouse=True, scope="module")
def _torch():
    """The networks here are tiny: on a busy machine two threads wait for each other far longer than they compute."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    torch.set_warn_always(True)  # and not only where the first test meets a warning
    yield
    torch.set_warn_always(False)
    torch.set_num_threads(threads)


@pytest.fixture(scope="module")
def blobs():
    rng = np.random.default_rng(0)
    y = rng.integers(0, 3, 60)
    return rng.normal(size=(60, 4)) + 4 * y[:, None], y


@pytest.mark.parametrize(("estimator", "check"), CHECKS, ids=[check.func.__name__ for _, check in CHECKS])
def test_scikit_learns_checks(estimator, check):
    check(estimator)


def test_all_groups_of_checks_ran():
    names = {check.func.__name__ for _, check in CHECKS}
    expected = {"check_classifiers_train", "check_estimators_pickle", "check_n_features_in", "check_fit_idempotent"}
    assert expected <= names
    assert len(CHECKS) > 45


def test_digits_are_read_from_held_out_images():
    x, y = digits.arrays()["x"], digits.arrays()["y"]
    train, test = np.split(np.random.default_rng(0).permutation(len(x)), [1200])
    classifier = Classifier(model="convnet(width=16)", epochs=5).fit(x[train], y[train])
    assert classifier.score(x[test], y[test]) >= 0.95


def test_images_in_every_layout_are_the_same_images():
    x, y = digits.arrays()["x"][:100], digits.arrays()["y"][:100]
    probabilities = []
    for images in (x, x.transpose(0, 2, 3, 1), x[:, 0], x[:, 0].astype(float)):
        classifier = Classifier(model="convnet(width=4)", epochs=1).fit(images, y)
        assert classifier.n_features_in_ == 64
        probabilities.append(classifier.predict_proba(images))
    for others in probabilities[1:]:
        assert np.array_equal(others, probabilities[0])


def test_large_images_are_brought_to_size_in_fit_and_in_predict():
    y = np.arange(24) % 2
    x = np.random.default_rng(0).integers(0, 90, (24, 40, 56, 3), dtype=np.uint8) + (y * 120)[:, None, None, None]
    x = x.astype(np.uint8)
    classifier = Classifier(model="mlp([8])", epochs=20, size=16).fit(x, y)
    assert classifier.trained_.in_shape == (3, 16, 16)
    assert classifier.n_features_in_ == 40 * 56 * 3
    assert classifier.score(x, y) == 1
    with pytest.raises(DataError, match=r"shape \(24, 40, 56, 1\); expected \[N, 40, 56, 3\]"):
        classifier.predict(x[..., :1])
    with pytest.raises(DataError, match="X: float32 of shape .* expected uint8 images with 0..255"):
        classifier.predict(x / 255)


def test_augmentation_can_be_switched_off():
    x, y = np.random.default_rng(0).integers(0, 256, (24, 16, 16, 3), np.uint8), np.arange(24) % 2
    taken = {}
    for augment in ("auto", "none"):
        classifier = Classifier(model="mlp([8])", epochs=1, augment=augment).fit(x, y)
        taken[augment] = classifier.trained_.about["recipe"]
    assert 'augment = "none"' in taken["none"]
    assert 'augment = "none"' not in taken["auto"]
    with pytest.raises(UsageError, match="augment: cannot be None; expected a string"):
        Classifier(augment=None).fit(x, y)


@pytest.mark.parametrize(
    "labels",
    [
        np.array([7, -3, 10]),
        np.array([2, 0, 1], np.uint8),
        np.array([1.0, -1.0, 10.0]),
        np.array(["b", "a", "10"]),
        np.array(["b", "aa", "10"], object),
        np.array([True, False]),
    ],
    ids=lambda labels: str(labels.dtype),
)
def test_labels_come_back_as_they_were_given(blobs, labels):
    x, index = blobs
    x, index = x[index < len(labels)], index[index < len(labels)]
    y = labels[index]
    classifier = Classifier(epochs=40).fit(x, y)
    predicted = classifier.predict(x)
    assert classifier.classes_.dtype == predicted.dtype == labels.dtype
    assert classifier.classes_.tolist() == sorted(labels.tolist())
    assert classifier.trained_.classes == tuple(map(str, classifier.classes_.tolist()))
    assert (predicted == y).mean() > 0.95
    assert classifier.score(x, y) == (predicted == y).mean()
    assert classifier.predict_proba(x).argmax(1).tolist() == np.searchsorted(classifier.classes_, predicted).tolist()


@pytest.mark.parametrize("counts", [(2, 2), (1, 2), (1, 1, 5), (3, 1), (40, 1)])
def test_few_examples_of_a_class(counts):
    y = np.repeat(np.arange(len(counts)), counts)
    classifier = Classifier().fit(y[:, None] + 0.0, y)
    assert classifier.score(np.unique(y)[:, None], np.unique(y)) == 1


def test_without_a_second_example_of_any_class_nothing_is_held_out_and_it_says_so():
    with pytest.warns(UserWarning, match="chosen on the training examples"):
        classifier = Classifier().fit([[0.0], [1.0], [2.0]], ["a", "b", "c"])
    assert classifier.predict([[0.0], [1.0], [2.0]]).tolist() == ["a", "b", "c"]
    assert [found.code for found in classifier.findings_.warnings if "LEAK" in found.text] == ["leak"]


@pytest.mark.parametrize("members", [1, 2])
def test_two_fits_are_equal_and_leave_torchs_generator_alone(blobs, members, monkeypatch):
    monkeypatch.setattr("ravine.runs.networks.fastest_way", None)  # two timings need not agree
    x, y = blobs
    torch.manual_seed(1)
    before = torch.get_rng_state()
    one = Classifier(model="mlp([16])", epochs=3, members=members).fit(x, y)
    assert torch.equal(torch.get_rng_state(), before)
    torch.manual_seed(2)
    two = clone(one).fit(x, y)
    assert np.array_equal(one.predict_proba(x), two.predict_proba(x))
    assert one.history_ == two.history_
    other = clone(one).set_params(random_state=1).fit(x, y)
    assert not np.array_equal(one.predict_proba(x), other.predict_proba(x))


def test_neither_fit_nor_predict_changes_what_it_is_given(blobs):
    for x in (blobs[0].astype(np.float32), np.random.default_rng(0).integers(0, 255, (60, 6, 6), dtype=np.uint8)):
        y, before = blobs[1].copy(), x.copy()
        x.setflags(write=False)
        fitted = Classifier(model="mlp([8])", epochs=1).fit(x, y)
        fitted.predict(x)
        fitted.trained_.probabilities(x.reshape(60, *fitted.trained_.in_shape))
        assert np.array_equal(x, before)
        assert np.array_equal(y, blobs[1])


def test_in_a_pipeline_under_cross_validation(blobs):
    pipeline = make_pipeline(StandardScaler(), Classifier(epochs=50))
    scores = cross_val_score(pipeline, *blobs, cv=3)
    assert scores.mean() > 0.9
    assert "Classifier" in pipeline._repr_html_()


def test_grid_search_with_numpys_numbers(blobs):
    grid = {"lr": np.array([1e-6, 1e-2]), "epochs": np.array([60]), "random_state": np.arange(1)}
    search = GridSearchCV(Classifier(model="mlp([16])"), grid, cv=3).fit(*blobs)
    assert search.best_params_["lr"] == 1e-2
    assert search.score(*blobs) > 0.9


@pytest.mark.parametrize("members", [1, 2])
def test_pickled_and_copied_it_predicts_the_same(blobs, members, tmp_path):
    fitted = Classifier(model="mlp([16])", epochs=3, members=members).fit(*blobs)
    stored = pickle.dumps(fitted)
    joblib.dump(fitted, tmp_path / "fitted")
    mapped = joblib.load(tmp_path / "fitted", mmap_mode="r")  # as parallel workers get it: arrays are read-only
    for again in (pickle.loads(stored), copy.deepcopy(fitted), mapped):  # noqa: S301
        assert np.array_equal(again.predict_proba(blobs[0]), fitted.predict_proba(blobs[0]))
        assert again.get_params() == fitted.get_params()
        assert again.history_ == fitted.history_
    assert repr(pickle.loads(pickle.dumps(QUICK))) == repr(QUICK)  # noqa: S301
    weights = sum(tensor.numel() for tensor in fitted.trained_.population.state().values())
    assert len(stored) < 4 * weights + 20_000  # the weights once


def test_parameters():
    assert repr(QUICK) == "Classifier(model='mlp([32])', lr=0.02, epochs=10, batch=32)"
    assert repr(Classifier()) == "Classifier()"
    assert clone(QUICK).get_params() == QUICK.get_params()
    assert Classifier().set_params(lr=0.1).lr == 0.1
    with pytest.raises(UsageError, match="no parameter 'epoch'. Did you mean 'epochs'?"):
        Classifier().set_params(epoch=3)


def test_the_best_weights_are_kept_and_patience_stops(blobs):
    classifier = Classifier(model="mlp([16])", lr=0.1, epochs=200, patience=3).fit(*blobs)
    (best,) = classifier.trained_.about["epochs"]
    assert len(classifier.history_) == best + 3 < 200
    losses = [(-row["val/accuracy"], row["val/loss"]) for row in classifier.history_]
    assert losses.index(min(losses)) == best - 1
    x, y = blobs
    _, val = cut(y, 0.2, 0, "val split")
    of_the_label = classifier.predict_proba(x[val])[np.arange(len(val)), y[val]]
    assert -np.log(of_the_label).mean() == pytest.approx(min(losses)[1], rel=1e-5)


def test_where_no_score_is_a_number_the_last_weights_are_kept():
    x, y = np.repeat([[0.0], [1.0]], 20, 0), np.repeat([0, 1], 20)
    _, val = cut(y, 0.2, 0, "val split")
    x[val] = 3e38  # infinite once it is scaled, and then NaN
    classifier = Classifier().fit(x, y)
    assert classifier.trained_.about["epochs"] == [0]
    assert np.diag(classifier.predict_proba([[0.0], [1.0]])).min() > 0.9


def test_verbose_shows_findings_decisions_and_epochs(blobs, capfd):
    clone(QUICK).set_params(epochs=2).fit(*blobs)
    assert capfd.readouterr() == ("", "")
    clone(QUICK).set_params(epochs=2, verbose=1).fit(np.repeat(blobs[0], 2, 0), np.repeat(blobs[1], 2))
    out, err = capfd.readouterr()
    assert out == ""
    assert "60 images of train are copies" in err
    assert "adam lr" in err
    assert "epoch 2/2" in err


X, Y = np.arange(8.0)[:, None], np.arange(8) % 2


@pytest.mark.parametrize(
    ("x", "y", "message"),
    [
        (X[:, 0], Y, "shape \\(8,\\); expected features .* Reshape your data"),
        ([[1.0], [2.0, 3.0]], [0, 1], "inhomogeneous"),
        (np.where(X > 5, np.nan, X), Y, "2 values are NaN or infinite"),
        (X + 1e300, Y, "8 values are NaN or infinite in float32"),
        ([["a"], ["b"], ["c"]], [0, 1, 1], "dtype <U1"),
        (np.array([["a"], ["b"]], object), [0, 1], "could not convert string to float"),
        (np.zeros((8, 4, 4), np.int64), Y, "dtype int64"),
        (np.zeros((8, 4, 4, 4), np.uint8), Y, "no axis of 1 or 3 channels"),
        (X, Y[:-1], "y: shape \\(7,\\); expected a label for each of the 8 examples"),
        (X, np.zeros((8, 2), int), "y: shape \\(8, 2\\)"),
        (X, Y + 0.5, "Unknown label type: continuous"),
        (X, np.where(Y, np.nan, 0), "Unknown label type: NaN"),
        (X, np.array([1, "a"] * 4, object), "Unknown label type: object"),
        (X, np.array([b"a", b"b"] * 4), "Unknown label type: .S1"),
        (X, Y * 0, "only one class, 0; expected two or more"),
        (X, None, "y is None"),
    ],
)
def test_data_that_cannot_be_is_refused(x, y, message):
    with pytest.raises(DataError, match=message):
        QUICK.fit(x, y)


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"model": None}, "model: cannot be None; expected a string"),
        ({"model": "mpl"}, "Did you mean 'mlp'"),
        ({"lr": None}, "lr: cannot be None"),
        ({"lr": -1.0}, "--lr: cannot be -1.0"),
        ({"epochs": np.array([1, 2])}, "epochs: cannot be array"),
        ({"epochs": 2.5}, "--epochs: cannot be 2.5; expected a whole number"),
        ({"clip": "auto"}, "--clip: unknown name 'auto'. Known: adaptive, norm, value"),
        ({"clip": 0}, "--clip: cannot be 0"),
        ({"balance": "most"}, "expected one of none, loss, sampler"),
        ({"random_state": None}, "random_state: cannot be None; expected a whole number"),
        ({"random_state": np.random.default_rng(0)}, "random_state"),
        ({"random_state": -1}, "random_state: cannot be -1"),
        ({"device": "cuda:99"}, "--device cuda:99"),
        ({"device": 0}, "device: cannot be 0"),
    ],
)
def test_parameters_that_cannot_be_are_refused_by_fit(parameters, message):
    with pytest.raises(UsageError, match=message):
        clone(QUICK).set_params(**parameters).fit(X, Y)


def test_a_fit_that_fails_keeps_the_former_one():
    classifier = clone(QUICK).fit(X, Y)
    before = classifier.predict_proba(X)
    with pytest.raises(NonFiniteLossError):
        classifier.set_params(lr=1e30).fit(X, Y)
    assert np.array_equal(classifier.predict_proba(X), before)


def test_not_fitted_is_scikit_learns_error_and_ours():
    for call in (QUICK.predict, QUICK.predict_proba, lambda x: QUICK.score(x, Y)):
        with pytest.raises(NotFittedError, match="not fitted yet. Call fit") as caught:
            call(X)
        assert isinstance(caught.value, RavineError)


def test_a_column_of_labels_is_taken_with_scikit_learns_warning():
    with pytest.warns(DataConversionWarning, match="column-vector"):
        classifier = clone(QUICK).fit(X, Y[:, None])
    assert np.array_equal(classifier.predict_proba(X), clone(QUICK).fit(X, Y).predict_proba(X))


def test_score_weighs_examples(blobs):
    classifier = clone(QUICK).fit(*blobs)
    x, y = blobs[0][:2], [classifier.predict(blobs[0])[0], -1]
    assert classifier.score(x, y) == 0.5
    assert classifier.score(x, y, sample_weight=[3, 1]) == 0.75


def test_works_without_scikit_learn():
    code = """
import sys, warnings
import torch, ravine.classifier
assert not any(name.startswith("sklearn") for name in sys.modules)
sys.modules["sklearn"] = None
torch.set_num_threads(1)
classifier = ravine.Classifier(model="mlp([8])", epochs=2)
try:
    classifier.predict([[1.0]])
except (ValueError, AttributeError) as error:
    assert isinstance(error, ValueError) and isinstance(error, AttributeError), type(error).__mro__
    print(error)
with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    classifier.fit([[0.0], [1.0], [2.0], [3.0]], [[0], [0], [1], [1]])
assert [w.category for w in caught] == [UserWarning]
print(classifier.predict([[0.0]]).shape, classifier)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stdout.splitlines() == [
        "Classifier: not fitted yet. Call fit(X, y) first",
        "(1,) Classifier(model='mlp([8])', epochs=2)",
    ], done.stderr


def test_the_example_of_the_docstring():
    assert doctest.testmod(ravine.classifier) == (0, 5)
