import math

import pytest
import torch
from torch import nn

from ravine.errors import UsageError
from ravine.regularization import weight_noise


def test_the_weights_are_noisy_inside_and_afterwards_as_before_bit_for_bit():
    weights = [torch.randn(5000, generator=torch.Generator().manual_seed(k)) for k in range(3)]
    before = [w.clone() for w in weights]
    mask = (torch.arange(5000) % 2).float()

    def noise():
        generators = [torch.Generator().manual_seed(k) for k in range(3)]
        with weight_noise(weights, 0.1, mask, generators):
            return torch.stack([w - b for w, b in zip(weights, before, strict=True)])

    found = noise()
    assert all(torch.equal(w, b) for w, b in zip(weights, before, strict=True))
    assert not found[:, mask == 0].any(), "where the mask is 0 there is none"
    e = found[:, mask == 1] / 0.1
    assert abs(float(e.mean())) < 4 / math.sqrt(e.numel())
    assert float(e.std()) == pytest.approx(1, rel=0.05)
    assert float(torch.corrcoef(e)[0, 1:].abs().max()) < 4 / math.sqrt(e.shape[1]), "each tensor has its own"
    assert torch.equal(noise(), found), "generators replay"


def test_an_error_inside_leaves_the_weights_clean():
    w = torch.ones(4)
    with pytest.raises(RuntimeError), weight_noise([w], 1.0):
        raise RuntimeError
    assert torch.equal(w, torch.ones(4))


def test_the_gradient_is_that_of_the_noisy_weights():
    """loss = |w|^2 / 2, so that the gradient is the noisy weights themselves."""
    layer = nn.Linear(3, 2, bias=False)
    before = layer.weight.detach().clone()
    torch.manual_seed(0)
    with weight_noise([layer.weight], 0.5):
        noisy = layer.weight.detach().clone()
        (layer.weight.square().sum() / 2).backward()
    torch.testing.assert_close(layer.weight.grad, noisy)
    assert not torch.equal(noisy, before)
    assert torch.equal(layer.weight, before)
    torch.manual_seed(0)
    torch.testing.assert_close(noisy - before, 0.5 * torch.empty(2, 3).normal_())


def test_sigma_0_changes_nothing():
    w = torch.randn(9, generator=torch.Generator().manual_seed(0))
    before = w.clone()
    with weight_noise([w], 0.0):
        assert torch.equal(w, before)


@pytest.mark.parametrize("sigma", [-0.1, math.inf, math.nan, "1", True])
def test_a_sigma_that_cannot_be_is_refused_by_name(sigma):
    with pytest.raises(UsageError, match="weight_noise: sigma cannot be"), weight_noise([], sigma):
        pass
