"""Label suspects: by hand, against the paper's method, and on labels that were flipped on purpose."""

import numpy as np
import pytest

import ravine
from ravine import data
from ravine.report import Predictions, read_predictions, report_of
from ravine.report.mistakes import confident_errors, least_sure, mistakes, suspects, thresholds


def predictions_of(p, labels, split="val"):
    rows = np.arange(len(labels))
    column = np.full(len(labels), split, dtype="U4")
    names = [f"{i}.png" for i in rows]
    best = p.argmax(1)
    return Predictions(column, names, labels, best, *(p[rows, c].astype(np.float32) for c in (best, labels)))


def confident_learning(p, labels):
    """The paper's (Northcutt et al., 2021, eq. 1 and 2): label i, class j = the likeliest that reaches its mean."""
    t = np.array([p[labels == j, j].mean() for j in range(p.shape[1])])
    reached = np.where(p >= t, p, -1.0)
    j = reached.argmax(1)
    return np.flatnonzero((reached.max(1) > 0) & (j != labels)), j


def noisy(seed, share=0.05, n=3000, classes=10, sure=5.0):
    """Probabilities of a network that is right on most images, and labels of which a share is flipped."""
    rng = np.random.default_rng(seed)
    truth = rng.integers(0, classes, n)
    logits = rng.normal(0, 1, (n, classes))
    logits[np.arange(n), truth] += sure
    p = np.exp(logits - logits.max(1, keepdims=True))
    flipped = rng.random(n) < share
    labels = np.where(flipped, (truth + rng.integers(1, classes, n)) % classes, truth)
    return p / p.sum(1, keepdims=True), labels, flipped


def test_by_hand():
    sure, other = np.array([0.9, 0.1]), np.array([0.2, 0.8])
    p = np.array([sure] * 6 + [other] * 6 + [[0.95, 0.05], [0.6, 0.4]])
    labels = np.array([0] * 6 + [1] * 8)  # the last two are taken for 0
    found = predictions_of(p, labels)
    assert thresholds(found) == pytest.approx([0.9, (6 * 0.8 + 0.05 + 0.4) / 8])
    assert suspects(found).tolist() == [12]  # 0.95 reaches 0.9, and 0.6 does not
    assert confident_errors(found, "val").tolist() == [12, 13]
    assert least_sure(found, "val")[0] == 13


def test_a_class_of_few_images_makes_no_suspects():
    p = np.array([[0.9, 0.1]] * 4 + [[0.1, 0.9]] * 5 + [[0.99, 0.01]])
    found = predictions_of(p, np.array([0] * 4 + [1] * 6))
    assert np.isnan(thresholds(found)[0])
    assert suspects(found).tolist() == []


@pytest.mark.parametrize("seed", range(3))
def test_they_are_those_of_the_paper_whose_class_is_the_predicted_one(seed):
    p, labels, _ = noisy(seed, sure=2.5)
    whole, j = confident_learning(p.astype(np.float32), labels)
    expected = [i for i in whole if j[i] == p[i].argmax()]
    assert sorted(suspects(predictions_of(p, labels)).tolist()) == expected
    assert len(expected) > 20


@pytest.mark.parametrize("seed", range(3))
def test_most_flipped_labels_are_found_and_first(seed):
    p, labels, flipped = noisy(seed)
    found = suspects(predictions_of(p, labels))
    recall, precision = flipped[found].sum() / flipped.sum(), flipped[found].mean()
    assert recall > 0.6  # half the right answers are surer than their mean, and most of the flipped as sure as any
    assert precision > 0.9
    assert flipped[found[:24]].all()
    margin = p[np.arange(len(p)), labels] - p.max(1)
    assert (np.diff(margin[found]) >= -1e-6).all()


def test_a_perfect_network_suspects_nothing():
    p, labels, _ = noisy(0, share=0.0, sure=60.0)
    assert suspects(predictions_of(p, labels)).tolist() == []


def test_suspects_come_from_both_splits_and_mistakes_from_the_one_that_counts():
    p, labels, _ = noisy(0, n=400)
    found = predictions_of(p, labels)
    found.split[200:] = "test"
    shown = mistakes(found, "test", [str(c) for c in range(10)], lambda _: None)
    assert {one.split for one in shown.suspects} == {"val", "test"}
    assert {one.split for one in (*shown.confident, *shown.unsure)} == {"test"}
    assert shown.wrong == int((~found.right[200:]).sum())
    assert [one.confidence for one in shown.confident] == sorted((o.confidence for o in shown.confident), reverse=True)
    assert [one.confidence for one in shown.unsure] == sorted(one.confidence for one in shown.unsure)


def test_labels_flipped_in_digits_are_found(tmp_path):
    digits = data.load("digits").splits["train"]
    x, y = digits.take(np.arange(len(digits))), digits.y.copy()
    rng = np.random.default_rng(0)
    flipped = rng.choice(np.arange(1400, 1797), 10, replace=False)
    y[flipped] = (y[flipped] + rng.integers(1, 10, 10)) % 10
    arrays = {"x": x[:1400], "y": y[:1400], "x_val": x[1400:], "y_val": y[1400:]}
    run = ravine.train(arrays, out=tmp_path, name="flipped", quiet=True, model="mlp", epochs=5)
    found = report_of(run).mistakes
    names = {one.name for one in found.suspects}
    hit = {f"x_val[{i - 1400}]" for i in flipped} & names
    assert len(hit) >= 8
    assert all(one.picture for one in found.suspects)
    kept = read_predictions(run.folder.predictions, run.best.classes)
    assert found.doubtful == len(suspects(kept))
