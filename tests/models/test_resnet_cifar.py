"""The small ResNets against the paper (He et al. 2015, section 4.2) and against the file whose names they have."""

from pathlib import Path

import pytest
import torch
from torch import nn

from ravine.errors import UsageError
from ravine.models import MODELS, resnet20
from ravine.transfer import read_state_dict

REFERENCE = Path(__file__).parents[3] / "shared" / "data" / "pretrained" / "resnet20-12fca82f.th"
# table 6 of the paper: layers, millions of parameters
TABLE = [(20, 0.27), (32, 0.46), (44, 0.66), (56, 0.85), (110, 1.7)]


@pytest.mark.parametrize(("layers", "millions"), TABLE)
def test_layers_and_parameters_are_those_of_the_paper(layers, millions):
    model = MODELS[f"resnet{layers}"]((3, 32, 32), 10)
    weighted = [module for module in model.modules() if isinstance(module, nn.Conv2d | nn.Linear)]
    assert len(weighted) == layers
    count = sum(p.numel() for p in model.parameters())
    assert round(count / 1e6, 1 if layers == 110 else 2) == millions


@pytest.mark.parametrize(("layers", "_"), TABLE)
def test_the_count_is_that_of_the_formula(layers, _):
    n, w, classes = (layers - 2) // 6, 8, 7
    # 2n convolutions of w to w in each stage, but the first of stages 2 and 3 comes from half as many channels
    convolutions = 9 * (3 * w + sum(2 * n * c * c for c in (w, 2 * w, 4 * w)) - 2 * w * w - 8 * w * w)
    norms = 2 * (w + sum(2 * n * c for c in (w, 2 * w, 4 * w)))
    model = MODELS[f"resnet{layers}"]((3, 32, 32), classes, width=w)
    assert sum(p.numel() for p in model.parameters()) == convolutions + norms + (4 * w + 1) * classes


def expected_shortcut(x, outputs):
    """Option A, pixel by pixel: every second one, with as many channels of zeros before as behind."""
    batch, inputs, height, width = x.shape
    y = torch.zeros(batch, outputs, (height + 1) // 2, (width + 1) // 2)
    first = (outputs - inputs) // 2
    for i in range(y.shape[2]):
        for j in range(y.shape[3]):
            y[:, first : first + inputs, i, j] = x[:, :, 2 * i, 2 * j]
    return y


@pytest.mark.parametrize(("stage", "inputs", "side"), [("layer2", 8, 6), ("layer3", 16, 6), ("layer2", 8, 7)])
def test_the_shortcut_is_option_a(stage, inputs, side):
    block = getattr(resnet20((3, 16, 16), 5, width=8), stage)[0].eval()
    x = torch.randn(2, inputs, side, side, generator=torch.Generator().manual_seed(0))
    shortcut = expected_shortcut(x, 2 * inputs)
    assert torch.equal(block.shortcut(x), shortcut)
    assert not list(block.shortcut.parameters())
    nn.init.ones_(block.bn2.weight)
    torch.testing.assert_close(block(x), torch.relu(shortcut + branch(block, x)))
    nn.init.zeros_(block.bn2.weight)  # the branch says nothing: the block is its shortcut
    assert torch.equal(block(x), shortcut.relu())


def branch(block, x):
    """bn2(conv2(relu(bn1(conv1(x))))) with the statistics that a fresh batch norm has: mean 0, variance 1."""
    scale = (1 + block.bn1.eps) ** -0.5
    inner = (nn.functional.conv2d(x, block.conv1.weight, stride=2, padding=1) * scale).relu()
    return nn.functional.conv2d(inner, block.conv2.weight, padding=1) * scale


def test_blocks_within_a_stage_pass_their_input_on():
    block = resnet20((3, 16, 16), 5, width=8).layer2[1].eval()
    nn.init.zeros_(block.bn2.weight)
    x = torch.rand(2, 16, 5, 5)
    assert torch.equal(block(x), x)


def test_stages_halve_the_image_and_double_the_channels():
    model, seen = resnet20((3, 32, 32), 10), []
    for stage in (model.layer1, model.layer2, model.layer3):
        stage.register_forward_hook(lambda module, inputs, out: seen.append(tuple(out.shape[1:])))
    assert model(torch.zeros(2, 3, 32, 32)).shape == (2, 10)
    assert seen == [(16, 32, 32), (32, 16, 16), (64, 8, 8)]


@pytest.mark.parametrize(
    ("in_shape", "width", "words"),
    [((64,), 16, "mlp"), ((3, 7, 9), 16, "8 or more"), ((3, 32, 32), 2, "4 to 512"), ((3, 32, 32), 8.5, "whole")],
)
def test_what_cannot_be_is_refused_under_its_own_name(in_shape, width, words):
    with pytest.raises(UsageError, match="resnet56") as refusal:
        MODELS["resnet56"](in_shape, 10, width=width)
    assert words in str(refusal.value)


@pytest.mark.skipif(not REFERENCE.exists(), reason="resnet20-12fca82f.th is not beside this checkout")
def test_names_shapes_and_order_are_those_of_the_reference_file():
    state = read_state_dict(REFERENCE)
    own = {n: t for n, t in resnet20((3, 32, 32), 10).state_dict().items() if not n.endswith("num_batches_tracked")}
    assert [(f"module.{n}", t.shape) for n, t in own.items()] == [(n, t.shape) for n, t in state.items()]
