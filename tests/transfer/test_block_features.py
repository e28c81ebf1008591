"""What blocks give, all in one pass: the same as one by one, and nothing of the network or the caller is changed."""

import copy

import pytest
import torch
from torch import nn

from ravine import draws
from ravine.errors import UsageError
from ravine.models import MODELS
from ravine.spec import build, parse
from ravine.transfer import block_features, blocks, features, pooled

SMALL = ["mlp(hidden=[16])", "convnet(width=4)", "resnet(width=16)", "resnet20(width=4)"]


def network(text):
    with draws.seeded(0, 0, "init"):
        return build(parse(text), MODELS, in_shape=(3, 16, 16), classes=5)


def batch(*shape):
    return torch.randn(*shape, generator=draws.generator(0, 0, "batch"))


def test_pooled_is_the_mean_over_positions_or_tokens():
    x = batch(2, 3, 4, 5)
    assert torch.equal(pooled(x), x.mean((2, 3)))
    assert torch.equal(pooled(x, channels_last=True), x.mean((1, 2)))
    assert torch.equal(pooled(x[..., 0]), x[..., 0].mean(1))
    flat = batch(2, 3)
    assert torch.equal(pooled(flat), flat)
    assert pooled(flat).data_ptr() != flat.data_ptr()
    assert pooled(x.bfloat16()).dtype == torch.float32
    for shape in ((2,), (2, 3, 4, 5, 6)):
        with pytest.raises(UsageError, match="expected"):
            pooled(batch(*shape))


@pytest.mark.parametrize("text", SMALL)
def test_one_pass_gives_what_each_depth_gives_alone(text):
    model, x = network(text), batch(4, 3, 16, 16)
    depths = list(range(1, len(blocks(model))))[::-1]
    found = block_features(model, x, depths)
    model.eval()
    with torch.no_grad():
        for depth, rows in zip(depths, found, strict=True):
            assert torch.equal(rows, pooled(features(model, x, depth)))
            assert not rows.requires_grad
        assert torch.equal(block_features(model, x, [depths[0]] * 2)[1], found[0])


@pytest.mark.parametrize("text", SMALL)
def test_nothing_is_changed(text):
    model, x = network(text).train(), batch(4, 3, 16, 16)
    part = next(module for module in model.modules() if isinstance(module, nn.BatchNorm1d | nn.BatchNorm2d)).eval()
    before, state = copy.deepcopy(model.state_dict()), torch.get_rng_state()
    block_features(model, x, [1])
    assert model.training
    assert not part.training
    assert all(torch.equal(before[name], now) for name, now in model.state_dict().items())
    assert torch.equal(torch.get_rng_state(), state)
    assert not any(module._forward_hooks or module._forward_pre_hooks for module in model.modules())


class Row(nn.Module):
    """Blocks that count their calls; the second one changes what it is given."""

    def __init__(self):
        super().__init__()
        self.calls = []
        self.layers = nn.Sequential(*(nn.Sequential(nn.Sequential(nn.Linear(3, 3)), nn.ReLU(True)) for _ in range(3)))
        self.norm = nn.Sequential(nn.ReLU(True), nn.Linear(3, 3), nn.Dropout(0.5))
        self.head = nn.Linear(3, 2)
        for i, layer in enumerate(self.layers):
            layer.register_forward_hook(lambda module, inputs, output, i=i: self.calls.append(i))

    def forward(self, x):
        return self.head(self.norm(self.layers(x) - 1))


def test_it_stops_after_the_deepest_and_keeps_what_is_changed_later():
    model, x = Row(), batch(5, 3)
    assert [block.name for block in blocks(model)][-1] == "head"
    block_features(model, x, [1, 2])
    assert model.calls == [0, 1]
    head = len(blocks(model)) - 1
    first, last = block_features(model, x, [1, head])
    model.eval()
    with torch.no_grad():
        assert torch.equal(first, model.layers[0](x))
        assert torch.equal(last, model.norm(model.layers(x) - 1)), "without dropout"


class Changed(nn.Module):
    """A block's output, changed in place by what comes after it."""

    def __init__(self):
        super().__init__()
        self.first = nn.Sequential(nn.Sequential(nn.Linear(3, 3)), nn.Identity())
        self.second = nn.Sequential(nn.Sequential(nn.Linear(3, 3)), nn.Identity())
        self.head = nn.Linear(3, 2)

    def forward(self, x):
        return self.head(self.second(self.first(x).mul_(0)))


def test_what_is_changed_in_place_later_was_taken_before():
    model, x = Changed(), batch(5, 3)
    with torch.no_grad():
        assert torch.equal(block_features(model, x, [1, 2])[0], model.first[0](x))


def test_channels_last_of_a_network_that_says_so():
    model, x = Changed(), batch(5, 4, 6, 3)
    model.output_fmt = "NHWC"
    with torch.no_grad():
        assert torch.equal(block_features(model, x, [1])[0], model.first(x).mean((1, 2)))


class Unused(Changed):
    def forward(self, x):
        return self.head(self.first(x)), self.second


class Pairs(Changed):
    def __init__(self):
        super().__init__()
        self.first = nn.Sequential(nn.Sequential(nn.Linear(3, 3)), Twice())


class Twice(nn.Module):
    def forward(self, x):
        return x, x


@pytest.mark.parametrize(
    ("model", "depths", "words"),
    [
        (Changed(), [0], "depth 0"),
        (Changed(), [1, 3], "expected 1 to 2"),
        (Unused(), [1, 2], None),
        (Pairs(), [1], "gives a tuple"),
    ],
)
def test_what_cannot_be_read_is_refused(model, depths, words):
    model.train()
    if words is None:  # the head is run, and is what depth 2 looks at
        assert len(block_features(model, batch(5, 3), depths)) == 2
        return
    with pytest.raises(UsageError, match=words):
        block_features(model, batch(5, 3), depths)
    assert model.training


def test_a_block_that_never_runs():
    class Skips(Row):
        def forward(self, x):
            return self.head(self.layers[0](x))

    with pytest.raises(UsageError, match="does not run layers.1"):
        block_features(Skips(), batch(5, 3), [1, 2])


def test_of_a_block_that_runs_twice_the_first_time_counts():
    class Twice(nn.Module):
        def __init__(self):
            super().__init__()
            self.first = nn.Sequential(nn.Sequential(nn.Conv2d(3, 3, 3), nn.ReLU()))
            self.second = nn.Sequential(nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU()))
            self.head = nn.Linear(4, 2)

        def forward(self, x):
            return self.head(self.second(self.first(self.first(x))).mean((2, 3)))

    model, x = Twice(), torch.rand(2, 3, 9, 9)
    first, second = block_features(model, x, [1, 2])
    with torch.no_grad():
        torch.testing.assert_close(first, pooled(model.first(x)))
        torch.testing.assert_close(second, pooled(model.second(model.first(model.first(x)))))
