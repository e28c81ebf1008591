"""Scores and calibration: against numbers done by hand, scikit-learn and the streaming evaluation."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import minimize_scalar
from scipy.special import softmax
from sklearn.calibration import calibration_curve
from sklearn.metrics import brier_score_loss
from sklearn.metrics import log_loss as sklearn_log_loss

from ravine.ensembles import brier, log_losses, reliability, temperature, tempered
from ravine.errors import UsageError
from ravine.training.evaluate import evaluate


def logits_of(n=400, classes=4, sharpness=2.0, seed=0):
    """Logits `[N, classes]` that are `sharpness` times too sure, and labels drawn from what they ought to be."""
    rng = np.random.default_rng(seed)
    logits = rng.normal(0, 2, (n, classes))
    labels = np.array([rng.choice(classes, p=p) for p in softmax(logits, 1)])
    return logits * sharpness, labels


def test_scores_done_by_hand():
    p, y = np.array([[0.5, 0.25, 0.25], [0.1, 0.2, 0.7]]), np.array([0, 1])
    assert log_losses(p, y) == pytest.approx([np.log(2), np.log(5)])
    # (.25 + .0625 + .0625 + .01 + .64 + .49) / 2
    assert brier(p, y) == pytest.approx(1.515 / 2)
    assert log_losses(np.stack([p, p[::-1]]), y).shape == (2, 2)


def test_scores_are_those_of_scikit_learn():
    logits, y = logits_of()
    p = softmax(logits, 1)
    assert log_losses(p, y).mean() == pytest.approx(sklearn_log_loss(y, p), rel=1e-12)
    assert brier(p, y) == pytest.approx(brier_score_loss(y, p, scale_by_half=False, labels=range(4)), rel=1e-12)


def test_a_wrong_certainty_costs_much_and_a_right_one_nothing():
    p = np.array([[0.0, 1.0]], np.float32)
    assert log_losses(p, np.array([0]))[0] == pytest.approx(87.3365, abs=1e-3)
    assert log_losses(p, np.array([1]))[0] == 0


def test_reliability_done_by_hand():
    p = np.array([[0.65, 0.35], [0.69, 0.31], [0.05, 0.95], [1.0, 0.0]])
    bins = reliability(p, np.array([0, 1, 1, 1]), bins=10)
    assert bins.count.tolist() == [0, 0, 0, 0, 0, 0, 2, 0, 0, 2]
    assert bins.confidence[[6, 9]] == pytest.approx([0.67, 0.975])
    assert bins.accuracy[[6, 9]] == pytest.approx([0.5, 0.5])
    assert np.isnan(bins.accuracy[0])
    assert bins.ece == pytest.approx((0.17 + 0.475) / 2)


def test_bins_are_those_of_scikit_learn():
    logits, _ = logits_of(classes=2)
    y = np.random.default_rng(1).integers(0, 2, len(logits))
    p = softmax(logits, 1)
    bins = reliability(p, y, bins=7)
    share, mean = calibration_curve(p.argmax(1) == y, p.max(1), n_bins=7, strategy="uniform")
    assert bins.accuracy[bins.count > 0] == pytest.approx(share)
    assert bins.confidence[bins.count > 0] == pytest.approx(mean)


def test_the_error_is_that_of_the_streaming_evaluation():
    logits, y = logits_of(sharpness=1.5)
    x = torch.from_numpy(logits).float()
    batches = zip(x.split(64), torch.from_numpy(y).split(64), strict=True)
    score = evaluate(lambda batch: batch, batches, 1, 4)
    p = x.softmax(1).numpy()
    assert reliability(p, y).ece == pytest.approx(score.ece, abs=1e-7)
    assert log_losses(p, y).mean() == pytest.approx(score.vote_loss, rel=1e-6)


@pytest.mark.parametrize("sharpness", [0.4, 1.0, 3.0])
def test_the_temperature_is_that_of_a_search_over_the_logits(sharpness):
    logits, y = logits_of(n=2000, sharpness=sharpness)
    found = temperature(softmax(logits, 1), y)

    def loss(log_t):
        return log_losses(softmax(logits / np.exp(log_t), 1), y).mean()

    assert found == pytest.approx(np.exp(minimize_scalar(loss, (-1, 1), tol=1e-9).x), rel=1e-4)
    assert found == pytest.approx(sharpness, rel=0.15)


def test_a_temperature_divides_logits():
    logits, _ = logits_of()
    np.testing.assert_allclose(tempered(softmax(logits, 1), 2.5), softmax(logits / 2.5, 1), rtol=1e-9)
    np.testing.assert_allclose(tempered(softmax(logits, 1), 1.0), softmax(logits, 1), rtol=1e-12)


@given(st.integers(0, 1000), st.integers(2, 5), st.floats(0.2, 4))
def test_on_the_examples_it_was_fitted_on_no_temperature_is_worse_than_none(seed, classes, sharpness):
    logits, y = logits_of(30, classes, sharpness, seed)
    p = softmax(logits, 1)
    cooled = tempered(p, temperature(p, y))
    assert log_losses(cooled, y).mean() <= log_losses(p, y).mean() + 1e-9
    assert (cooled.argmax(1) == p.argmax(1)).all()


def test_where_no_temperature_is_best_the_bound_is_taken():
    p, y = np.array([[0.6, 0.4], [0.3, 0.7]]), np.array([0, 1])
    assert temperature(p, y) == 0.05, "always right: colder is better for ever"
    assert temperature(p, 1 - y) == 20.0, "always wrong: the less sure the better"
    assert temperature(np.full((3, 2), 0.5), np.array([0, 1, 1])) == 1.0, "a coin has none"


def test_zeros_do_no_harm():
    p, y = np.array([[1.0, 0.0], [0.0, 1.0], [1.0, 0.0]], np.float32), np.array([0, 1, 1])
    assert np.isfinite(tempered(p, temperature(p, y))).all()


def test_what_cannot_be_is_refused():
    with pytest.raises(UsageError, match="no examples"):
        temperature(np.empty((0, 3)), np.empty(0, int))
    for value in (0, -1, np.inf, np.nan):
        with pytest.raises(UsageError, match="above 0"):
            tempered(np.full((1, 2), 0.5), value)
