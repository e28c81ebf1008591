"""How unsure answers are: the parts by hand, and MC dropout's samples."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from ravine.ensembles import mc_dropout, uncertainty
from ravine.errors import UsageError
from ravine.regularization import DropConnect, Dropout, StochasticDepth, on_weight


def test_by_hand():
    """Two sure samples that contradict each other, two that agree in doubt, and two that are sure together."""
    p = np.array([[[1.0, 0.0], [0.5, 0.5], [1.0, 0.0]], [[0.0, 1.0], [0.5, 0.5], [1.0, 0.0]]])
    found = uncertainty(p)
    np.testing.assert_allclose(found.mean, [[0.5, 0.5], [0.5, 0.5], [1.0, 0.0]])
    np.testing.assert_allclose(found.entropy, [math.log(2), math.log(2), 0])
    np.testing.assert_allclose(found.expected_entropy, [0, math.log(2), 0])
    np.testing.assert_allclose(found.mutual_information, [math.log(2), 0, 0])
    weighted = uncertainty(p, np.array([3.0, 1.0]))
    np.testing.assert_allclose(weighted.mean[0], [0.75, 0.25])
    np.testing.assert_allclose(weighted.mutual_information[0], -0.75 * math.log(0.75) - 0.25 * math.log(0.25))


@given(st.integers(1, 6), st.integers(2, 5), st.integers(0, 1000))
def test_ranges_and_the_sum(samples: int, classes: int, seed: int):
    rng = np.random.default_rng(seed)
    found = uncertainty(rng.dirichlet(np.full(classes, 0.3), (samples, 20)))
    np.testing.assert_allclose(found.entropy, found.expected_entropy + found.mutual_information, atol=1e-12)
    assert (found.mutual_information >= 0).all()
    assert (found.mutual_information <= math.log(min(samples, classes)) + 1e-12).all()
    assert (found.entropy <= math.log(classes) + 1e-12).all()


@pytest.mark.parametrize("p", [np.ones((2, 3)), np.ones((0, 3, 2)), np.ones((2, 3, 2)), [[[1.5, -0.5]]]])
def test_what_is_no_samples(p):
    with pytest.raises(UsageError, match="uncertainty"):
        uncertainty(p)


def network(*noises):
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(6, 16), nn.BatchNorm1d(16), nn.ReLU(), *noises, nn.Linear(16, 3))


def some(n=9):
    return torch.randn(n, 6, generator=torch.Generator().manual_seed(1))


def test_an_answer_depends_on_no_other_example():
    model, x = network(Dropout(0.5), nn.Dropout(0.2)), some()
    whole = mc_dropout(model, x, 8)
    for chosen in ([4], [8, 4, 0], [4, 4]):
        assert torch.equal(mc_dropout(model, x[chosen], 8), whole[:, chosen]), "bit for bit"
    assert not torch.equal(mc_dropout(model, x, 8, seed=1), whole)
    assert whole.shape == (8, 9, 3)
    torch.testing.assert_close(whole.sum(2), torch.ones(8, 9))


def test_each_example_and_each_sample_has_its_own_mask():
    model = nn.Sequential(Dropout(0.5), nn.Linear(200, 2))
    nn.init.ones_(model[1].weight[:1].data)
    nn.init.zeros_(model[1].weight.data[1:])
    x = torch.full((5, 200), 0.01) + torch.arange(5)[:, None] * 1e-6
    said = mc_dropout(model, x, 6)[..., 0]
    assert (said.max(0).values - said.min(0).values).min() > 1e-3, "of one example, between samples"
    assert (said.max(1).values - said.min(1).values).min() > 1e-3, "of one sample, between examples"


def test_batch_norm_evaluates_and_everything_is_put_back():
    model, x = network(nn.Dropout(0.5)), some()
    model.train()
    model[1].eval()
    model[3].eval()
    modes = [module.training for module in model.modules()]
    kept = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    state = torch.get_rng_state()
    mc_dropout(model, x)
    assert [module.training for module in model.modules()] == modes
    assert torch.equal(torch.get_rng_state(), state)
    for name, tensor in model.state_dict().items():
        assert torch.equal(tensor, kept[name]), "no statistics learned"


def test_the_mean_is_near_the_expectation():
    """One softmax over two classes: the exact average over all 2^4 masks."""
    torch.manual_seed(2)
    model = nn.Sequential(nn.Dropout(0.5), nn.Linear(4, 2))
    x = torch.randn(1, 4)
    masks = torch.cartesian_prod(*[torch.tensor([0.0, 2.0])] * 4)
    exact = model[1](masks * x).softmax(1).detach()
    samples = mc_dropout(model, x, 4000)[:, 0]
    error = 4 * float(exact[:, 0].std()) / 4000**0.5
    assert abs(float(samples[:, 0].mean() - exact[:, 0].mean())) < error


def test_dropped_weights_and_branches_vary_between_samples():
    connect = network()
    on_weight(connect[-1], DropConnect(0.5))
    for model in (connect, network(StochasticDepth(0.5))):
        assert len({row.numpy().tobytes() for row in mc_dropout(model, some(1), 10)[:, 0]}) > 1


@pytest.mark.parametrize("samples", [0, -1, True, 2.5])
def test_samples_that_cannot_be(samples):
    with pytest.raises(UsageError, match="samples cannot be"):
        mc_dropout(network(nn.Dropout(0.5)), some(), samples)


def test_without_dropout_it_is_refused():
    with pytest.raises(UsageError, match="no dropout"):
        mc_dropout(network(), some())


def test_torch_s_fused_layers_drop_too():
    layer = nn.TransformerEncoderLayer(8, 2, 16, dropout=0.5, batch_first=True)
    model = nn.Sequential(layer, nn.Flatten(), nn.Linear(24, 3)).eval()
    samples = mc_dropout(model, torch.ones(2, 3, 8), samples=10)
    assert (uncertainty(samples.numpy()).mutual_information > 0).all()
    assert torch.backends.mha.get_fastpath_enabled()


def test_a_module_s_own_generator_is_left_alone():
    own = torch.Generator().manual_seed(3)
    model, before = nn.Sequential(Dropout(0.5, generator=own), nn.Linear(8, 3)), own.get_state()
    x = torch.ones(4, 8)
    first = mc_dropout(model, x, samples=5, seed=1)
    assert torch.equal(mc_dropout(model, x, samples=5, seed=1), first)
    assert not torch.equal(mc_dropout(model, x, samples=5, seed=2), first)
    assert torch.equal(own.get_state(), before)
    assert model[0].generator is own


def test_no_examples_have_no_answers():
    model = nn.Sequential(nn.Dropout(0.5), nn.Linear(8, 3))
    assert mc_dropout(model, torch.ones(0, 8), samples=5).shape == (5, 0, 3)
