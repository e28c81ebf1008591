import math

import torch

from ravine.optimization import clip_by_norm


def test_each_member_is_clipped_by_its_own_norm():
    grads = torch.tensor([[3.0, 4.0], [0.3, 0.4], [0.0, 0.0]])
    norms = clip_by_norm(grads, 1.0)
    torch.testing.assert_close(norms, torch.tensor([5.0, 0.5, 0.0]))
    torch.testing.assert_close(grads, torch.tensor([[0.6, 0.8], [0.3, 0.4], [0.0, 0.0]]))


def test_equals_torchs_own_clipping():
    torch.manual_seed(0)
    grads = torch.randn(1, 100)
    weight = torch.nn.Parameter(torch.zeros(100))
    weight.grad = grads[0].clone()
    norm = torch.nn.utils.clip_grad_norm_([weight], 2.0)
    assert torch.isclose(clip_by_norm(grads, 2.0)[0], norm)
    torch.testing.assert_close(grads[0], weight.grad)


def test_infinite_bound_only_measures_and_nan_is_seen():
    grads = torch.tensor([[3.0, 4.0], [math.nan, 1.0]])
    before = grads.clone()
    norms = clip_by_norm(grads, math.inf)
    assert norms[0] == 5
    assert norms[1].isnan()
    torch.testing.assert_close(grads, before, equal_nan=True)
