"""The vote and what it is taken over."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from ravine.ensembles import Answers, vote
from ravine.errors import UsageError


def some_answers(members: int = 3, n: int = 20, classes: int = 4, seed: int = 0) -> Answers:
    rng = np.random.default_rng(seed)
    return Answers(rng.dirichlet(np.ones(classes), (members, n)), rng.integers(0, classes, n))


def log_loss(probabilities: np.ndarray, labels: np.ndarray) -> float:
    return float(-np.log(probabilities[np.arange(len(labels)), labels]).mean())


@given(st.integers(1, 8), st.integers(2, 6), st.integers(0, 1000))
def test_never_worse_than_the_mean_member(members: int, classes: int, seed: int):
    answers = some_answers(members, 30, classes, seed)
    mean = np.mean([log_loss(p, answers.labels) for p in answers.probabilities])
    assert log_loss(answers.vote, answers.labels) <= mean + 1e-12


@pytest.mark.parametrize("members", [1, 2, 3, 7])
def test_equal_members_change_nothing(members: int):
    p = some_answers(1).probabilities.astype(np.float32)
    assert (vote(np.repeat(p, members, axis=0)) == p[0]).all()


def test_permuted_members_vote_alike():
    answers = some_answers(5)
    np.testing.assert_allclose(answers.of([3, 1, 4, 0, 2]).vote, answers.vote, rtol=1e-14)
    assert answers.of([3, 1]).names == ("member03", "member01")


def test_weights():
    p = np.array([[[1.0, 0.0]], [[0.0, 1.0]]])
    np.testing.assert_allclose(vote(p, np.array([3, 1])), [[0.75, 0.25]])


@pytest.mark.parametrize("weights", [[1.0], [0.0, 0.0], [-1.0, 2.0], [np.nan, 1.0], [np.inf, 1.0]])
def test_weights_that_cannot_be(weights: list[float]):
    with pytest.raises(UsageError, match="weights"):
        vote(np.full((2, 1, 2), 0.5), np.array(weights))


@pytest.mark.parametrize(
    ("shape", "n", "names"), [((2, 5), 5, ()), ((2, 5, 3), 4, ()), ((0, 5, 3), 5, ()), ((2, 5, 3), 5, ("a",))]
)
def test_answers_that_do_not_belong_together(shape: tuple[int, ...], n: int, names: tuple[str, ...]):
    with pytest.raises(UsageError, match="Answers"):
        Answers(np.ones(shape), np.zeros(n, np.int64), names)


@pytest.mark.parametrize("labels", [[0, 3], [-1, 0], [0.0, 1.0]])
def test_labels_are_classes(labels):
    with pytest.raises(UsageError, match="expected whole numbers from 0 to 2"):
        Answers(np.full((2, 2, 3), 1 / 3), np.array(labels))


def test_numbers_of_torch_and_lists_are_taken():
    answers = some_answers()
    p, y = torch.tensor(answers.probabilities, requires_grad=True), torch.tensor(answers.labels)
    for taken in (Answers(p, y), Answers(answers.probabilities.tolist(), answers.labels.tolist())):
        np.testing.assert_array_equal(taken.vote, answers.vote)
        np.testing.assert_array_equal(taken.correct, answers.correct)
    np.testing.assert_array_equal(vote(p, [1, 2, 3]), vote(answers.probabilities, np.array([1, 2, 3])))


def test_whole_numbers_are_not_cut_off():
    hard = np.array([[[1, 0]], [[0, 1]], [[0, 1]]], np.uint8)
    np.testing.assert_allclose(vote(hard), [[1 / 3, 2 / 3]])
    np.testing.assert_allclose(vote(hard, [2, 1, 1]), [[0.5, 0.5]])


@pytest.mark.parametrize(
    ("p", "words"),
    [
        (np.array([[[3.0, -1.0]]]), "no probabilities"),
        (np.array([[[3.0, 1.0]]]), "no probabilities"),
        ([[[0.5, 0.5]], [[0.5]]], "no array"),
        ([[["a", "b"]]], "expected numbers"),
    ],
)
def test_what_is_no_probability_is_refused(p, words):
    with pytest.raises(UsageError, match=words):
        Answers(p, np.array([0]))
