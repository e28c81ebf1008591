"""Contracts that every kind of dropout keeps, listed from NOISES so that a new one cannot forget to join."""

import copy
import math

import pytest
import torch
from torch import nn
from torch.func import vmap

from ravine.errors import UsageError
from ravine.regularization import NOISES, DropConnect, Dropout, GaussianDropout, SpatialDropout, linear_decay

SHAPE = (60, 40, 5, 4)
# the shape of the draws for an input of that shape: what shares a draw has size 1
DRAWN = {
    "dropout": SHAPE,
    "gaussian_dropout": SHAPE,
    "dropconnect": SHAPE,
    "spatial_dropout": (60, 40, 1, 1),
    "stochastic_depth": (60, 1, 1, 1),
}
BERNOULLI = sorted(DRAWN.keys() - {"gaussian_dropout"})


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def inputs(seed=0, shape=SHAPE):
    return torch.randn(shape, generator=seeded(seed), dtype=torch.float64)


def many(name, p, calls=400):
    """Draws of many calls, one number for each unit."""
    layer, x = NOISES[name](p, generator=seeded(1)), torch.ones(SHAPE, dtype=torch.float64)
    return torch.stack([layer.noise(x) for _ in range(calls if name == "stochastic_depth" else 4)])


def test_all_kinds_are_tried():
    assert DRAWN.keys() == NOISES.keys()


@pytest.mark.parametrize("name", NOISES)
def test_without_noise_and_in_evaluation_the_input_itself_comes_back(name):
    x = inputs()
    assert NOISES[name](0.0)(x) is x
    assert NOISES[name](0.5).eval()(x) is x
    assert not torch.equal(NOISES[name](0.5, generator=seeded())(x), x)


@pytest.mark.parametrize("name", BERNOULLI)
@pytest.mark.parametrize("p", [0.1, 0.5, 0.9])
def test_units_are_dropped_at_the_rate_p_or_scaled(name, p):
    r = many(name, p)
    assert r.shape[1:] == DRAWN[name], "what belongs together is dropped together, all else alone"
    assert set(r.unique().tolist()) == {0.0, 1 / (1 - p)}
    n, dropped = r.numel(), int((r == 0).sum())
    assert abs(dropped - n * p) < 4 * math.sqrt(n * p * (1 - p)), (dropped, n)


@pytest.mark.parametrize("name", BERNOULLI)
def test_units_are_dropped_independently(name):
    """Of two neighbours, in any direction, both are dropped as often as p^2 says."""
    dropped, p = (many(name, 0.3) == 0).double(), 0.3
    for dim in [d for d, size in enumerate(dropped.shape) if size > 1]:
        here, there = dropped.narrow(dim, 0, dropped.shape[dim] // 2 * 2).unflatten(dim, (-1, 2)).unbind(dim + 1)
        both, pairs = float((here * there).sum()), here.numel()
        assert abs(both - pairs * p**2) < 4 * math.sqrt(pairs * p**2 * (1 - p**2))


@pytest.mark.parametrize("name", NOISES)
@pytest.mark.parametrize("p", [0.1, 0.5, 0.8])
def test_the_expectation_of_the_output_is_the_input(name, p):
    r = many(name, p)
    assert abs(float(r.mean()) - 1) < 4 * math.sqrt(p / (1 - p) / r.numel())
    assert float(r.var()) == pytest.approx(p / (1 - p), rel=0.1), "dropout's variance, also without zeros"


def test_gaussian_dropout_is_normal():
    r = many("gaussian_dropout", 0.2).flatten()
    z = (r - 1) / 0.5
    for beyond, share in ((1, 0.3173), (2, 0.0455), (3, 0.0027)):
        found = float((z.abs() > beyond).double().mean())
        assert found == pytest.approx(share, abs=4 * math.sqrt(share / len(z)))


@pytest.mark.parametrize("name", NOISES)
def test_gradients_take_the_way_of_the_kept_units_only(name):
    x = inputs().requires_grad_()
    y = NOISES[name](0.5, generator=seeded())(x)
    y.sum().backward()
    torch.testing.assert_close(x.grad * x, y)
    assert torch.equal(x.grad == 0, y == 0)
    if name in BERNOULLI:
        assert 0 < int((x.grad == 0).sum()) < x.numel()


@pytest.mark.parametrize("name", NOISES)
def test_a_given_generator_replays_and_the_global_one_is_left_alone(name):
    x, kind = inputs(), NOISES[name]
    torch.manual_seed(3)
    expected = torch.rand(2)
    torch.manual_seed(3)
    first, again, other = (kind(0.5, generator=seeded(s))(x) for s in (1, 1, 2))
    assert torch.equal(torch.rand(2), expected)
    assert torch.equal(first, again)
    assert not torch.equal(first, other)
    torch.manual_seed(1)
    assert torch.equal(kind(0.5)(x), first), "without one it is torch's global generator that is asked"


@pytest.mark.parametrize("name", NOISES)
@pytest.mark.parametrize("given", [False, True])
def test_under_vmap_each_member_draws_its_own(name, given):
    x = torch.ones(6, *SHAPE)
    torch.manual_seed(0)
    layer = NOISES[name](0.4, generator=seeded() if given else None)
    y = vmap(layer, randomness="different")(x)
    assert len({tuple(member.flatten().tolist()) for member in y}) == 6
    n = 6 * math.prod(DRAWN[name])
    assert abs(float(y.mean()) - 1) < 4 * math.sqrt(0.4 / 0.6 / n)
    if name in BERNOULLI:
        assert abs(float((y == 0).double().mean()) - 0.4) < 4 * math.sqrt(0.24 / n)


@pytest.mark.parametrize("name", NOISES)
def test_number_format_and_memory_layout_are_kept(name):
    for dtype in (torch.float32, torch.bfloat16, torch.float64):
        x = torch.ones(2, 3, 4, 4, dtype=dtype).to(memory_format=torch.channels_last)
        y = NOISES[name](0.5)(x)
        assert y.dtype == dtype
        assert y.is_contiguous(memory_format=torch.channels_last)


@pytest.mark.parametrize("name", NOISES)
def test_a_copy_draws_on_from_the_same_place(name):
    layer = NOISES[name](0.5, generator=seeded())
    twin = copy.deepcopy(layer)
    assert torch.equal(layer(inputs()), twin(inputs()))
    assert list(layer.state_dict()) == []


@pytest.mark.parametrize("name", NOISES)
@pytest.mark.parametrize("p", [-0.1, 1, 1.5, math.nan, "0.5", None, True])
def test_a_share_that_cannot_be_is_refused_by_name(name, p):
    with pytest.raises(UsageError, match=rf"{NOISES[name].__name__}: p cannot be .* from 0 to below 1"):
        NOISES[name](p)


@pytest.mark.parametrize("p", [0.2, 0.5])
@pytest.mark.parametrize(("ours", "theirs"), [(Dropout, nn.Dropout), (SpatialDropout, nn.Dropout2d)])
def test_equals_torchs_bit_for_bit(ours, theirs, p):
    x, outputs = inputs().float(), []
    for layer in (ours(p), theirs(p)):
        torch.manual_seed(7)
        outputs.append(layer(x))
    assert torch.equal(*outputs)


def test_features_have_no_channels():
    with pytest.raises(UsageError, match=r"SpatialDropout: an input of shape \(4, 3\)"):
        SpatialDropout(0.5)(torch.ones(4, 3))
    assert SpatialDropout(0.5).eval()(torch.ones(4, 3)).shape == (4, 3)


def test_dropped_connections_are_those_of_one_layer():
    layer = nn.Linear(30, 20)
    x, whole = torch.randn(8, 30, generator=seeded()), layer.weight.detach().clone()
    generator = seeded()
    torch.nn.utils.parametrize.register_parametrization(layer, "weight", DropConnect(0.5, generator=generator))
    generator.manual_seed(2)  # registering tries it once
    mask = DropConnect(0.5, generator=seeded(2)).noise(whole)
    torch.testing.assert_close(layer(x), x @ (mask * whole).T + layer.bias)
    layer.eval()
    torch.testing.assert_close(layer(x), x @ whole.T + layer.bias)


def test_survival_falls_linearly_as_in_the_paper():
    """Huang et al. 2016: with 54 blocks and p_L = 0.5 an expected (3 L - 1) / 4 blocks are active."""
    rates = linear_decay(0.5, 54)
    assert sum(1 - p for p in rates) == pytest.approx((3 * 54 - 1) / 4)
    assert rates[-1] == 0.5
    assert linear_decay(0.3, 3) == pytest.approx([0.1, 0.2, 0.3])


def test_noise_has_a_printed_form():
    assert repr(GaussianDropout(0.25)) == "GaussianDropout(p=0.25)"
