"""A network cut in two is the network, with the same weights."""

import pytest
import torch
from torch import nn

from ravine.errors import UsageError
from ravine.transfer import blocks, features, separable, tail


def depths(model):
    """The first, the middle and the last."""
    last = len(blocks(model)) - 1
    return sorted({1, (last + 1) // 2, last})


def test_tail_of_features_is_the_network(model, images):
    model.eval()
    with torch.no_grad():
        whole = model(images)
        for depth in depths(model):
            assert torch.equal(tail(model, depth)(features(model, images, depth)), whole), depth
            assert separable(model, images, depth)


def test_the_tail_has_the_networks_own_weights_and_no_others(model):
    row = blocks(model)
    for depth in depths(model):
        mine = {p.data_ptr() for p in tail(model, depth).parameters()}
        rest = [name for block in row[depth:] for name in block.parameters]
        assert mine == {model.get_parameter(name).data_ptr() for name in rest}


def test_gradients_through_the_tail_are_the_networks(model, images):
    model.eval()
    model(images).square().sum().backward()
    expected = {name: p.grad.clone() for name, p in model.named_parameters()}
    row = blocks(model)
    for depth in depths(model):
        model.zero_grad()
        given = features(model, images, depth).detach()
        tail(model, depth)(given).square().sum().backward()
        for i, block in enumerate(row):
            for name in block.parameters:
                found = model.get_parameter(name).grad
                if i < depth:
                    assert found is None
                else:
                    torch.testing.assert_close(found, expected[name], rtol=1e-4, atol=1e-4)


def test_batch_norm_in_the_tail_follows_the_networks_mode(model, images):
    row = blocks(model)
    norms = [name for name in row[-2].buffers if name.endswith("running_mean")]
    depth = len(row) - 2
    rest, given = tail(model, depth), features(model.eval(), images, depth)
    before = [model.get_buffer(name).clone() for name in norms]
    rest(given)
    assert all(torch.equal(model.get_buffer(name), b) for name, b in zip(norms, before, strict=True))
    model.train()
    rest(given)
    assert norms
    assert not any(torch.equal(model.get_buffer(name), b) for name, b in zip(norms, before, strict=True))


def hooks(model):
    return sum(len(m._forward_hooks) + len(m._forward_pre_hooks) for m in model.modules())


def test_no_hook_is_left_behind(model, images):
    for depth in depths(model):
        features(model, images, depth)
        separable(model, images, depth)
        with pytest.raises((RuntimeError, TypeError)):
            features(model, images[:, :, :0], depth)
    assert hooks(model) == 0


def test_trying_it_leaves_modes_and_statistics_as_they_are(model, images):
    model.train()
    model.get_submodule(blocks(model)[0].modules[0]).eval()
    modes, before = [m.training for m in model.modules()], [b.clone() for b in model.buffers()]
    separable(model, images, 1)
    assert [m.training for m in model.modules()] == modes
    assert all(torch.equal(b, was) for b, was in zip(model.buffers(), before, strict=True))


@pytest.mark.parametrize("depth", [0, -1, 99])
def test_a_depth_that_there_is_not_is_refused(model, images, depth):
    for cut in (lambda: features(model, images, depth), lambda: tail(model, depth)):
        with pytest.raises(UsageError, match=f"depth {depth}; expected 1 to {len(blocks(model)) - 1}"):
            cut()


class Skips(nn.Module):
    """Its second block sees the images again."""

    def __init__(self):
        super().__init__()
        self.one, self.two, self.three = (nn.Sequential(nn.Linear(4, 4), nn.ReLU()) for _ in range(3))
        self.head = nn.Linear(4, 2)

    def forward(self, x):
        return self.head(self.three(self.two(self.one(x)) + x))


class Dead(Skips):
    """Its second block and its head are never run."""

    def forward(self, x):
        return self.three(self.one(x))


def test_what_cannot_be_cut_is_found_out():
    x = torch.ones(3, 4)
    assert [separable(Skips(), x, depth) for depth in (1, 2, 3)] == [False, False, True]
    assert [separable(Dead(), x, depth) for depth in (1, 2, 3)] == [True, False, False]
    for depth, name in ((2, "two"), (3, "head")):
        with pytest.raises(UsageError, match=f"does not run {name};"):
            features(Dead(), x, depth)
