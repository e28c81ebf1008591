import pytest
import torch
from torch.nn import functional as F

from ravine.errors import UsageError
from ravine.regularization import label_smoothing


def test_targets_by_hand():
    found = label_smoothing(torch.tensor([[1, 0]]), 4, 0.2)
    torch.testing.assert_close(found, torch.tensor([[[0.05, 0.85, 0.05, 0.05], [0.85, 0.05, 0.05, 0.05]]]))
    assert torch.equal(label_smoothing(torch.tensor([2]), 3, 0.0), torch.tensor([[0.0, 0.0, 1.0]]))


@pytest.mark.parametrize("eps", [0.0, 0.1, 1.0])
def test_equals_torchs_smoothing(eps):
    logits, y = torch.randn(6, 5, generator=torch.Generator().manual_seed(0)), torch.arange(6) % 5
    ours = F.cross_entropy(logits, label_smoothing(y, 5, eps))
    torch.testing.assert_close(ours, F.cross_entropy(logits, y, label_smoothing=eps))


@pytest.mark.parametrize("eps", [-0.1, 1.1, "0.1", True])
def test_what_cannot_be_is_refused_by_name(eps):
    with pytest.raises(UsageError, match="label_smoothing: eps cannot be"):
        label_smoothing(torch.tensor([0]), 2, eps)
