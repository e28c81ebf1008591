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
def test_an_image_of_any_size_costs_15_to_60_million(side):
    assert 15 < macs((3, side, side)) < 60


def test_at_32_pixels_it_costs_what_the_docstring_says():
    assert 20 < macs((3, 32, 32)) < 30
    assert macs((3, 32, 32), width=64) / macs((3, 32, 32), width=32) == pytest.approx(4, rel=0.1)
