"""quicknet: what it begins as, and that each of its parts can be left out."""

import pytest
import torch
from torch import nn

from ravine.errors import UsageError
from ravine.models import SqueezeExcitation, Whitening
from ravine.models.quicknet import quicknet, suits_quicknet

SHAPE = (3, 32, 32)


def convolutions(network):
    return [layer for layer in network.modules() if isinstance(layer, nn.Conv2d)]


def copied(layer):
    """How many of its outputs are copies of the input with their number."""
    eye = torch.zeros_like(layer.weight)
    for i in range(min(layer.weight.shape[:2])):
        eye[i, i, 1, 1] = 1
    return sum(torch.equal(own, one) for own, one in zip(layer.weight, eye, strict=True) if one.any())


def test_each_convolution_begins_as_a_copy_of_its_input():
    for layer in convolutions(quicknet(SHAPE, 10, width=4)):
        assert copied(layer) == min(layer.in_channels, layer.out_channels)


def test_or_at_random():
    assert not any(copied(layer) for layer in convolutions(quicknet(SHAPE, 10, width=4, identity=False)))


def test_without_whitening_the_first_layer_is_learned():
    given, learned = quicknet(SHAPE, 10, width=4), quicknet(SHAPE, 10, width=4, whitening=False)
    assert any(isinstance(layer, Whitening) for layer in given.modules())
    assert not any(isinstance(layer, Whitening) for layer in learned.modules())
    x = torch.randn(2, *SHAPE)
    assert given.stem(x).shape == learned.stem(x).shape == (2, 16, 31, 31)
    learned(x).sum().backward()
    assert learned.stem[0].weight.grad is not None


def stages(network):
    return [network.stage1, network.stage2, network.stage3]


def test_an_excitation_weighs_what_a_stage_adds_or_none_does():
    assert all(isinstance(stage.refine[-1], SqueezeExcitation) for stage in stages(quicknet(SHAPE, 10, width=4)))
    without = quicknet(SHAPE, 10, width=4, excitation=False)
    assert not any(isinstance(layer, SqueezeExcitation) for layer in without.modules())
    assert without(torch.randn(2, *SHAPE)).shape == (2, 10)


def test_a_stage_adds_to_what_its_first_convolution_gave():
    for stage in stages(quicknet(SHAPE, 10, width=4)):
        torch.nn.init.zeros_(stage.refine[1].weight)  # batch norm: what is added is then silu(0) = 0
        x = torch.randn(2, stage.widen[0].in_channels, 8, 8)
        assert torch.equal(stage(x), stage.widen(x))


def test_at_first_it_says_the_same_of_every_image():
    one, other = quicknet(SHAPE, 10)(torch.randn(2, *SHAPE))
    assert torch.equal(one, other)


@pytest.mark.parametrize("side", [4, 7, 8, 16, 24, 33])
def test_images_of_any_side_from_four_on(side):
    assert quicknet((1, side, side + 1), 3, width=4)(torch.randn(2, 1, side, side + 1)).shape == (2, 3)


@pytest.mark.parametrize(
    "setting", [{"width": 3}, {"width": True}, {"whitening": 1}, {"identity": "no"}, {"excitation": 0}]
)
def test_what_is_no_setting_is_refused(setting):
    with pytest.raises(UsageError, match=f"model quicknet: {next(iter(setting))}="):
        quicknet(SHAPE, 10, **setting)


def test_what_it_is_made_for():
    assert suits_quicknet(SHAPE)
    assert not any(map(suits_quicknet, [(1, 32, 32), (3, 16, 16), (3, 64, 64), (12,)]))
