"""All members as one wide network: what the loop gives, whatever layers it has; else a refusal."""

import copy

import pytest
import torch
from torch import nn

from ravine import draws
from ravine.errors import UsageError
from ravine.models import MODELS
from ravine.population import Population, fastest_way, forward
from ravine.regularization import Dropout, GaussianDropout, SpatialDropout, StochasticDepth, insert
from ravine.spec import build, parse

K, B = 3, 6
SMALL = ["mlp(hidden=[16])", "mlp(hidden=[])", "convnet(width=4)", "convnet(width=24)", "resnet(width=16)"]
ALL = "dropout(0.3), gaussian_dropout(0.1), spatial_dropout(0.2), dropconnect(0.4), stochastic_depth(0.5)"


def draw(*shape, seed=0):
    return torch.randn(*shape, generator=draws.generator(seed, 0, "test"))


def population(model, shape=(3, 16, 16), pieces="", members=K):
    def make(k):
        with draws.seeded(0, k, "init"):
            network = build(parse(model), MODELS, in_shape=shape, classes=5)
        with torch.no_grad():  # some start at 0, where much would not show
            for i, p in enumerate(network.parameters()):
                p += 0.1 * draw(*p.shape, seed=100 * k + i)
        insert(network, pieces)
        return network

    return Population(make, members)


def steps(people, way, x, y, passes=2):
    run = forward(people, way)
    for _ in range(passes):
        logits = run(x)
        nn.functional.cross_entropy(logits.flatten(0, 1), y.flatten()).backward()
    return logits.detach(), people.grads, *people.buffers.values()


@pytest.mark.parametrize("mode", [True, False])
@pytest.mark.parametrize("shape", [(1, 8, 8), (3, 16, 16)])
@pytest.mark.parametrize("model", SMALL)
def test_logits_gradients_and_statistics_are_the_loops(model, shape, mode):
    x, y = draw(K, B, *shape), torch.arange(K * B).view(K, B) % 5
    results = []
    for way in ("loop", "wide"):
        people = population(model, shape)
        people.train(mode)
        results.append(steps(people, way, x, y))
    for a, b in zip(*results, strict=True):
        assert (a - b).float().norm() <= 1e-4 * a.float().norm(), "gradients of two passes add up"
    if results[0][2:]:
        assert torch.equal(results[1][-1], results[0][-1]), "batches counted"


@pytest.mark.parametrize("layers", [
    [nn.Conv2d(4, 6, 3, stride=2, padding=1, groups=2), nn.Flatten()],
    [nn.Conv2d(4, 6, 3, dilation=2), nn.GELU(), nn.AvgPool2d(2), nn.Flatten()],
    [nn.Conv2d(4, 6, 1, bias=False), nn.BatchNorm2d(6, affine=False), nn.AdaptiveAvgPool2d(1), nn.Flatten()],
    [nn.Softmax(1), nn.ChannelShuffle(2), nn.MaxPool2d(2), nn.Flatten()],  # treat images alone, but not channels
])  # fmt: skip
def test_other_settings_and_layers(layers):
    x = draw(K, B, 4, 6, 6)
    inputs = nn.Sequential(*layers)(x[0]).shape[1]

    def make(k):
        with draws.seeded(0, k, "init"):
            return nn.Sequential(*copy.deepcopy(layers), nn.Linear(inputs, 5)).apply(
                lambda layer: layer.reset_parameters() if hasattr(layer, "reset_parameters") else None
            )

    results = [steps(Population(make, K), way, x, torch.zeros(K, B, dtype=torch.int64)) for way in ("loop", "wide")]
    for a, b in zip(*results, strict=True):
        torch.testing.assert_close(a, b, rtol=1e-4, atol=1e-6)


def test_the_weights_are_the_populations_own():
    people, x = population(SMALL[2]), draw(K, B, 3, 16, 16)
    people.train(False)
    run = forward(people, "wide")
    before = run(x)
    people.weights[1].mul_(1.5)
    after = run(x)
    assert not torch.equal(after[1], before[1])
    assert torch.equal(after[[0, 2]], before[[0, 2]]), "no member sees another's weights"
    torch.testing.assert_close(after, forward(people, "loop")(x), rtol=1e-4, atol=1e-5)


def test_a_member_that_is_no_number_leaves_the_others_alone():
    results = []
    for spoilt in (False, True):
        people, x = population(SMALL[2], pieces="dropout(0.5)"), draw(K, B, 3, 16, 16)
        if spoilt:
            people.weights[1].fill_(float("nan"))
        with draws.seeded(0, 0, "forward"):
            logits, grads, *_ = steps(people, "wide", x, torch.zeros(K, B, dtype=torch.int64), passes=1)
        assert logits[1].isnan().all() == spoilt
        results.append((logits[[0, 2]], grads[[0, 2]]))
    for a, b in zip(*results, strict=True):
        assert torch.equal(a, b)


def test_members_run_in_evaluation_without_gradients_and_on_a_shared_batch():
    people, x = population(SMALL[4], pieces=ALL), draw(1, B, 3, 16, 16).expand(K, B, 3, 16, 16)
    people.train(False)
    with torch.no_grad():
        torch.testing.assert_close(forward(people, "wide")(x), forward(people, "loop")(x), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("piece", [Dropout, nn.Dropout, GaussianDropout, SpatialDropout, StochasticDepth])
def test_noise_keeps_its_law_and_differs_between_members(piece):
    """Through identities: what comes out of ones is the noise. 4,000 images, so 5 deviations are below 0.1."""
    people = Population(lambda k: nn.Sequential(nn.Conv2d(2, 2, 1, bias=False), piece(0.5), nn.Flatten()), 2)
    people.weights.copy_(torch.eye(2).flatten().expand(2, 4))
    with draws.seeded(0, 0, "forward"):
        noise = forward(people, "wide")(torch.ones(2, 4000, 2, 2, 2)).view(2, 4000, 2, 4)
    assert (noise.mean((1, 2, 3)) - 1).abs().max() < 0.1
    assert (noise[:, :, 0, 0].var(1) - 1).abs().max() < 0.25, "p / (1 - p)"
    one, other = noise[0, :, 0, 0] - 1, noise[1, :, 0, 0] - 1
    assert (one * other).mean().abs() < 0.1, "independent between members"
    whole_channels, whole_images = piece in (SpatialDropout, StochasticDepth), piece is StochasticDepth
    assert (noise == noise[..., :1]).all() == whole_channels
    assert (noise == noise[:, :, :1]).all() == whole_images


@pytest.mark.parametrize("piece", ["dropout(0.5)", "dropconnect(0.5)", "stochastic_depth(0.5)", "spatial_dropout(0.5)"])
def test_equal_members_differ_by_their_noise_only(piece):
    people = population("convnet(width=4)", pieces=piece)
    people.weights.copy_(people.weights[:1].clone().expand_as(people.weights))
    x = draw(1, B, 3, 16, 16).expand(K, B, 3, 16, 16)
    run = forward(people, "wide")
    with draws.own_generators():
        first = run(x, lambda k: torch.manual_seed(7))
        again = run(x, lambda k: torch.manual_seed(7))
    assert torch.equal(first, again), "seeded"
    assert all((first[i] - first[j]).abs().max() > 1e-3 for i, j in ((0, 1), (0, 2), (1, 2)))


def test_bfloat16():
    people, x = population(SMALL[2]), draw(K, B, 3, 16, 16)
    y = torch.zeros(K, B, dtype=torch.int64)
    people.train(False)
    exact = steps(people, "wide", x, y, passes=1)[1].clone()
    people.grads.zero_()
    with torch.autocast("cpu", torch.bfloat16):
        rounded = steps(people, "wide", x, y, passes=1)[1]
    assert 0 < (rounded - exact).norm() < 0.1 * exact.norm()


class Mixing(nn.Module):
    """Shares between channels, in a function that no list of layers shows."""

    def __init__(self):
        super().__init__()
        self.head = nn.Linear(8, 5)

    def forward(self, x):
        return self.head(x.softmax(1))


REFUSED = {
    "normalises over channels": lambda: nn.Sequential(nn.Linear(8, 8), nn.LayerNorm(8), nn.Linear(8, 5)),
    "cumulative average": lambda: nn.Sequential(nn.Linear(8, 8), nn.BatchNorm1d(8, momentum=None), nn.Linear(8, 5)),
    "no running average": lambda: nn.Sequential(nn.Linear(8, 8), nn.BatchNorm1d(8, track_running_stats=False)),
    "other padding": lambda: nn.Sequential(nn.Conv2d(1, 1, 3, padding=1, padding_mode="reflect"), nn.Flatten()),
    "weights of its own": lambda: nn.PReLU(8),
}


@pytest.mark.parametrize("make", REFUSED.values(), ids=REFUSED)
def test_what_has_no_twin_is_refused(make):
    with pytest.raises(UsageError, match="has no twin for") as refusal:
        forward(Population(lambda k: make(), 2), "wide")
    assert "vmap" in refusal.value.cure


@pytest.mark.parametrize("make", [REFUSED["normalises over channels"], Mixing], ids=["no twin", "mixes channels"])
def test_auto_takes_vmap_where_wide_does_not_fit(make):
    _, seconds = fastest_way(Population(lambda k: make(), 2), draw(2, B, 8))
    assert seconds.keys() == {"loop", "vmap"}
