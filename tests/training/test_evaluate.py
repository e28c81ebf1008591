import numpy as np
import pytest
import torch
from sklearn.metrics import accuracy_score, balanced_accuracy_score, confusion_matrix, log_loss, recall_score

from ravine.training.evaluate import evaluate

K, N, C = 3, 101, 4


@pytest.fixture
def scored():
    generator = torch.Generator().manual_seed(0)
    logits = 2 * torch.randn(K, N, C, generator=generator, dtype=torch.float64)
    y = torch.randint(0, C, (N,), generator=generator)
    order = torch.arange(N)
    # "images" are their own index: the network looks its logits up
    run = lambda x: logits[torch.arange(K)[:, None], x]  # noqa: E731
    batches = ((part, y[part]) for part in order.split(17))
    return evaluate(run, batches, K, C), logits, y


def test_equals_scikit_learn(scored):
    score, logits, y = scored
    vote = logits.softmax(2).mean(0)
    predicted = vote.argmax(1)
    assert score.n == N
    assert score.vote_accuracy == pytest.approx(accuracy_score(y, predicted))
    assert score.balanced_accuracy == pytest.approx(balanced_accuracy_score(y, predicted))
    assert score.vote_loss == pytest.approx(log_loss(y, vote.numpy()), rel=1e-5)
    np.testing.assert_array_equal(score.confusion, confusion_matrix(y, predicted))
    np.testing.assert_allclose(score.recall, recall_score(y, predicted, average=None))
    for k in range(K):
        assert score.accuracy[k] == pytest.approx(accuracy_score(y, logits[k].argmax(1)))
        assert score.loss[k] == pytest.approx(log_loss(y, logits[k].softmax(1).numpy()), rel=1e-5)


def test_calibration_error_equals_its_definition(scored):
    score, logits, y = scored
    vote = logits.softmax(2).mean(0)
    confidence, predicted = vote.max(1)
    right = (predicted == y).double()
    expected = 0.0
    for low in range(15):
        inside = (confidence > low / 15) & (confidence <= (low + 1) / 15)
        if inside.any():
            gap = abs(right[inside].mean() - confidence[inside].double().mean())
            expected += float(gap) * float(inside.double().mean())
    assert score.ece == pytest.approx(expected, abs=1e-6)


def test_jensen_the_vote_is_never_worse_than_the_mean_member(scored):
    score, _, _ = scored
    assert score.vote_loss <= sum(score.loss) / K


def test_worst_confusions_come_first(scored):
    score, _, _ = scored
    rows = score.confusions(3)
    assert [count for _, _, count in rows] == sorted((c for _, _, c in rows), reverse=True)
    a, b, count = rows[0]
    assert a != b
    assert score.confusion[a, b] == count == (score.confusion - np.diag(np.diag(score.confusion))).max()


def test_nothing_to_score_is_nan_and_not_a_crash():
    score = evaluate(lambda x: x, iter(()), 1, C)
    assert score.n == 0
    assert np.isnan(score.vote_accuracy)
    assert score.interval == (0, 1)


def test_a_class_without_images_has_no_recall():
    logits = torch.eye(3).unsqueeze(0) * 5
    score = evaluate(lambda x: logits[:, x[0]], [(torch.tensor([0, 1]), torch.tensor([0, 1]))], 1, 3)
    assert np.isnan(score.recall[2])
    assert score.balanced_accuracy == 1
    assert score.to_json(("a", "b", "c"))["recall"] == {"a": 1.0, "b": 1.0, "c": None}
