import math

import pytest
import torch
from torch.nn import functional as F

from ravine.errors import UsageError
from ravine.training.criterion import cross_entropy

LOGITS, Y = torch.randn(3, 8, 4, generator=torch.Generator().manual_seed(0)), torch.arange(24).view(3, 8) % 4


def test_each_member_has_torchs_mean_cross_entropy():
    expected = torch.stack([F.cross_entropy(LOGITS[k], Y[k]) for k in range(3)])
    torch.testing.assert_close(cross_entropy()(LOGITS, Y), expected)


def test_weights_count_by_image_and_not_by_batch():
    weights = torch.tensor([1.0, 2.0, 0.5, 0.0])
    plain = F.cross_entropy(LOGITS.flatten(0, 1), Y.flatten(), reduction="none").view(3, 8)
    torch.testing.assert_close(cross_entropy(weights)(LOGITS, Y), (plain * weights[Y]).mean(1))
    halves = [cross_entropy(weights)(LOGITS[:, part], Y[:, part]) for part in (slice(4), slice(4, 8))]
    torch.testing.assert_close(sum(halves) / 2, cross_entropy(weights)(LOGITS, Y))


WEIGHTS = torch.tensor([1.0, 2.0, 0.5, 0.3])
SOFT = torch.randn(3, 8, 4, generator=torch.Generator().manual_seed(1)).softmax(2)


@pytest.mark.parametrize("eps", [0.0, 0.1, 1.0])
@pytest.mark.parametrize("targets", [Y, SOFT], ids=["labels", "soft"])
def test_smoothing_equals_torchs(targets, eps):
    expected = torch.stack([F.cross_entropy(LOGITS[k], targets[k], label_smoothing=eps) for k in range(3)])
    torch.testing.assert_close(cross_entropy(label_smoothing=eps)(LOGITS, targets), expected)


@pytest.mark.parametrize("weights", [None, WEIGHTS])
@pytest.mark.parametrize("eps", [0.0, 0.3])
@pytest.mark.parametrize("targets", [Y, SOFT], ids=["labels", "soft"])
def test_equals_the_formula(targets, eps, weights):
    q = (F.one_hot(Y, 4).float() if targets is Y else SOFT) * (1 - eps) + eps / 4
    w = torch.ones(4) if weights is None else weights
    expected = -(w * q * LOGITS.log_softmax(2)).sum(2).mean(1)
    torch.testing.assert_close(cross_entropy(weights, eps)(LOGITS, targets), expected)


def test_certain_targets_are_labels():
    certain = F.one_hot(Y, 4).float()
    torch.testing.assert_close(cross_entropy(WEIGHTS, 0.2)(LOGITS, certain), cross_entropy(WEIGHTS, 0.2)(LOGITS, Y))


@pytest.mark.parametrize("eps", [-0.1, 1.5, math.nan, "0.1", True])
def test_a_smoothing_that_cannot_be_is_refused_by_name(eps):
    with pytest.raises(UsageError, match="label_smoothing: eps cannot be"):
        cross_entropy(label_smoothing=eps)
