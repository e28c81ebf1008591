import torch
from torch.nn import functional as F

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
