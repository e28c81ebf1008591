"""timm's networks as rows of blocks: every weight in one block, and cut where they run block after block."""

import pytest
import torch
from timm_networks import NAMES, batch, network

from ravine.errors import UsageError
from ravine.transfer.blocks import blocks, classifier
from ravine.transfer.cutting import features, separable, tail

pytest.importorskip("timm", reason="timm is not installed: make test-timm")
pytestmark = pytest.mark.timm
ROWS = {
    "resnet18": ("layer4.1", "fc", 10),
    "resnet50": ("layer4.2", "fc", 18),
    "vit_tiny_patch16_224": ("norm", "head", 15),
    "efficientnet_b0": ("conv_head", "classifier", 19),
    "convnext_atto": ("stages.3", "head.fc", 6),
    "mobilenetv3_small_100": ("conv_head", "classifier", 15),
}


@pytest.mark.parametrize("name", NAMES)
def test_every_parameter_and_buffer_is_in_exactly_one_block(name):
    model = network(name)
    row = blocks(model)
    for kind, own in (("parameters", model.named_parameters()), ("buffers", model.named_buffers())):
        found = [entry for block in row for entry in getattr(block, kind)]
        assert sorted(found) == sorted(entry for entry, _ in own)


@pytest.mark.parametrize("name", NAMES)
def test_the_last_block_is_the_head_that_timm_names(name):
    model = network(name)
    row = blocks(model)
    before, last, count = ROWS[name]
    assert (row[-2].name, row[-1].name, len(row)) == (before, "head", count)
    assert classifier(model) == last == model.pretrained_cfg["classifier"]
    assert model.get_submodule(last).weight.shape[0] == 3


@pytest.mark.parametrize("name", NAMES)
def test_it_can_be_cut_before_the_head_and_all_but_the_transformer_everywhere(name):
    model, x = network(name), batch(4, 3, 32, 32)
    model(x)  # moves the running statistics off 0 and 1
    model.eval()
    depths = range(1, len(blocks(model)))
    cut = [separable(model, x, depth) for depth in depths]
    transformer = name.startswith("vit")  # its own code adds positions between two blocks, and takes the first token
    assert cut == [not transformer or depth == depths[-1] for depth in depths]
    with torch.no_grad():
        for depth in (depth for depth, right in zip(depths, cut, strict=True) if right):
            rest = tail(model, depth).eval()(features(model, x, depth))
            torch.testing.assert_close(rest, model(x), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("name", NAMES)
def test_what_the_head_is_given_is_a_vector_but_for_heads_that_pool(name):
    model = network(name).eval()
    given = features(model, batch(2, 3, 32, 32), len(blocks(model)) - 1)
    assert given.shape[:2] == (2, model.num_features if name == "convnext_atto" else model.head_hidden_size)
    assert given.dim() == (4 if name == "convnext_atto" else 2)


def test_networks_of_several_heads_are_refused():
    with pytest.raises(UsageError, match="several heads") as refusal:
        network("deit_tiny_distilled_patch16_224")
    assert "Take deit_tiny_patch16_224" in str(refusal.value)
