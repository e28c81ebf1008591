"""A state dict of timm's network under its name: whatever order a file has, whatever images it was made for."""

import random

import pytest
from timm_networks import network

from ravine.errors import DataError
from ravine.pretrained.recognising import recognised

timm = pytest.importorskip("timm", reason="timm is not installed: make test-timm")
pytestmark = pytest.mark.timm
OWN = ("test_maxvit", "test_coatnet", "test_vit", "hiera_tiny_224", "vit_tiny_r_s16_p8_224", "densenet121")


def shuffled(model):
    entries = list(model.state_dict().items())
    random.Random(0).shuffle(entries)  # noqa: S311
    return dict(entries)


@pytest.mark.parametrize("name", OWN)
def test_networks_at_their_own_size_whose_weights_depend_on_it(name):
    made_for = timm.models.get_pretrained_cfg(name).input_size
    found = recognised(shuffled(network(name, made_for, classes=6)), "file", f'timm("{name}")')
    assert (found.outputs, found.channels, found.left, found.missing) == (6, 3, (), ())


@pytest.mark.parametrize("channels", [1, 2, 3])
@pytest.mark.parametrize("name", ["mobilenetv3_small_100", "vit_tiny_patch16_224", "convnext_atto", "densenet121"])
def test_any_number_of_channels_and_for_a_transformer_any_size(name, channels):
    found = recognised(shuffled(network(name, (channels, 32, 32))), "file", f'timm("{name}")')
    assert (found.outputs, found.channels, found.left, found.missing) == (3, channels, (), ())


def test_a_plain_resnet_of_timms_is_recognised_as_ravines_own():
    found = recognised(shuffled(network("resnet34", (3, 224, 224), classes=9)), "file")
    assert (found.model, found.outputs) == ("resnet(depth=34)", 9)


def test_others_have_to_be_named():
    with pytest.raises(DataError, match="weights of none of mlp, .*--model 'timm"):
        recognised(shuffled(network("convnext_atto")), "file")
