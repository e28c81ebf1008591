"""The cost of the default network: bounded at every image size, quadratic in the width."""

import pytest
import torch
from torch import nn

from ravine.models import convnet


def macs(in_shape: tuple[int, ...], **settings: int) -> float:
    """Multiply-accumulates of convolutions and linear layers for one image, in millions."""
    total = 0

    def count(module: nn.Module, _: tuple[torch.Tensor, ...], out: torch.Tensor) -> None:
        nonlocal total
        total += module.weight.numel() * out.shape[2:].numel()

    model = convnet(in_shape, 10, **settings).eval()
    for module in model.modules():
        if isinstance(module, nn.Conv2d | nn.Linear):
            module.register_forward_hook(count)
    with torch.inference_mode():
        model(torch.zeros(1, *in_shape))
    return total / 1e6


def test_the_count_is_right_where_it_can_be_done_by_hand():
    w, grid = 4, 8 * 8
    stem, stage1 = 9 * 1 * w * grid, 2 * 9 * w * w * grid
    stage2 = 9 * w * 2 * w * grid + 9 * 4 * w * w * grid // 4
    stage3 = 9 * 2 * w * 4 * w * grid // 4 + 9 * 16 * w * w * grid // 16
    assert macs((1, 8, 8), width=w) == (stem + stage1 + stage2 + stage3 + 4 * w * 10) / 1e6


@pytest.mark.parametrize("side", [28, 32, 48, 64, 96, 128, 160, 224, 384])
def test_an_image_of_any_size_costs_14_to_50_million(side):
    assert 14 < macs((3, side, side)) < 50


def test_at_32_pixels_it_costs_what_the_docstring_says():
    assert round(macs((3, 32, 32))) == 20
    assert macs((3, 32, 32), width=64) / macs((3, 32, 32), width=32) == pytest.approx(4, rel=0.1)


@pytest.mark.parametrize(
    ("side", "grid"),
    [(8, 8), (16, 16), (28, 14), (32, 16), (48, 12), (64, 16), (96, 12), (128, 16), (160, 20), (224, 14)],
)
def test_the_stem_brings_any_image_to_about_16_positions_a_side(side, grid):
    model = convnet((3, side, side), 10, width=4)
    assert model.stem(torch.zeros(2, 3, side, side)).shape == (2, 4, grid, grid)


@pytest.mark.parametrize(("side", "grid"), [(48, 24), (128, 32), (160, 40), (181, 45), (182, 45), (224, 56)])
def test_large_images_are_first_cut_into_patches_of_2_or_4_pixels(side, grid):
    model = convnet((3, side, side), 10, width=4)
    assert model.stem[0](torch.zeros(2, 3, side, side)).shape == (2, 4, grid, grid)


def test_no_convolution_has_a_bias_since_batch_norm_would_subtract_it():
    assert all(m.bias is None for m in convnet((3, 224, 224), 10).modules() if isinstance(m, nn.Conv2d))


def test_it_starts_by_guessing_and_its_residual_blocks_by_doing_nothing():
    model = convnet((3, 32, 32), 10, width=4)
    assert torch.equal(model(torch.randn(2, 3, 32, 32)), model.head.bias.expand(2, 10))
    x = torch.rand(2, 4, 8, 8)
    assert torch.equal(model.stage1[1](x), x)
