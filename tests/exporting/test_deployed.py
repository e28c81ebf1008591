"""The module that is handed over: the vote as ravine takes it, whatever is voting."""

import numpy as np
import pytest
import torch
from drawn_network import network, rows

import ravine
from ravine import Ensemble
from ravine.errors import UsageError
from ravine.exporting.deployed import Deployed, traced
from ravine.regularization import insert


def said(deployed, x):
    return deployed(torch.from_numpy(x)).numpy()


def test_says_what_ravine_says(any_network):
    x = rows(any_network)
    expected = any_network.probabilities(x)
    assert np.ptp(expected, axis=0).max() > 0.05, "a constant answer would show nothing"
    np.testing.assert_allclose(said(Deployed(any_network), x), expected, atol=1e-6)


def test_a_weighted_ensemble_of_several_kinds_with_classes_in_other_orders():
    parts = [
        network(members=2),
        network("convnet(width=4)", classes=("c", "a", "b"), seed=1),
        network("mlp([])", classes=("b", "a", "c"), seed=2),
    ]
    for weights in (None, [0.5, 0.2, 0.3], [1, 2, 3, 0]):
        ensemble = Ensemble(parts, weights)
        x = rows(ensemble)
        expected = ensemble.probabilities(x)
        assert np.abs(expected - parts[0].probabilities(x)).max() > 0.01
        np.testing.assert_allclose(said(Deployed(ensemble), x), expected, atol=1e-6)


def test_networks_that_see_other_shapes_have_no_common_graph():
    ensemble = Ensemble([network(), network(in_shape=(1, 8, 9))])
    with pytest.raises(UsageError, match=r"shapes \(1, 8, 8\), \(1, 8, 9\); expected one shape.*--member"):
        Deployed(ensemble)


def test_what_regularizes_is_inert():
    plain, noisy = network("convnet(width=4)"), network("convnet(width=4)")
    for member in noisy.population.members:
        insert(member.train(), "dropout(0.5), stochastic_depth(0.5), spatial_dropout(0.5), dropconnect(0.5)")
    x = rows(plain)
    for answer in (Deployed(noisy), traced(noisy).module()):
        np.testing.assert_array_equal(said(answer, x), said(answer, x))
        np.testing.assert_allclose(said(answer, x), plain.probabilities(x), atol=1e-6)


def test_the_network_is_not_changed_and_shares_nothing():
    one = network("convnet(width=4)", members=2)
    before, modes = one.population.weights.clone(), [m.training for m in one.population.members]
    deployed = Deployed(one)
    tensors = [*deployed.parameters(), *deployed.buffers()]
    assert not any(t.requires_grad for t in tensors)
    assert all(t.untyped_storage().nbytes() == t.nbytes for t in tensors), "a view drags its whole matrix along"
    for tensor in tensors:
        tensor.zero_()
    assert torch.equal(one.population.weights, before)
    assert [m.training for m in one.population.members] == modes
    assert one.population.members[0].head.weight.requires_grad


def test_half_is_in_the_matrices_alone():
    one = network(members=2)
    deployed = Deployed(one, half=True)
    for name, weight in deployed.named_parameters():
        assert weight.dtype == (torch.float16 if weight.dim() > 1 else torch.float32), name
    assert all(buffer.dtype != torch.float16 for buffer in deployed.buffers())
    x = rows(one)
    by_hand = {n: t.half().float() if t.dim() > 1 else t for n, t in one.tensors.items()}
    expected = ravine.Trained(by_hand, one.about).probabilities(x)
    np.testing.assert_allclose(said(deployed, x), expected, atol=1e-6)
    assert 1e-6 < np.abs(said(deployed, x) - one.probabilities(x)).max() < 1e-2


def test_float16_refuses_what_it_cannot_hold():
    one = network()
    one.population.members[0].head.weight.data[0, 0] = 1e5
    with pytest.raises(UsageError, match=r"head.weight has weights beyond 65,504"):
        Deployed(one, half=True)


def test_the_graph_takes_any_number_and_draws_nothing():
    one = network("convnet(width=4)", members=2)
    torch.manual_seed(5)
    module = traced(one).module()
    drawn = torch.rand(3)
    torch.manual_seed(5)
    assert torch.equal(drawn, torch.rand(3))
    for n in (0, 1, 2, 9):
        x = rows(one, n)
        assert said(module, x).shape == (n, 3)
        np.testing.assert_allclose(said(module, x), one.probabilities(x), atol=1e-6)
