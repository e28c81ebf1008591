"""The names and shapes of timm's resnet18 and resnet34, written out from their published layout."""

import pytest
import torch

from ravine.models import resnet


def timm_layout(blocks: tuple[int, ...], classes: int = 1000) -> dict[str, tuple[int, ...]]:
    """Name -> shape of each entry of timm's state dict, in its order."""
    layout: dict[str, tuple[int, ...]] = {"conv1.weight": (64, 3, 7, 7)}

    def norm(name: str, width: int) -> None:
        for part in ("weight", "bias", "running_mean", "running_var"):
            layout[f"{name}.{part}"] = (width,)
        layout[f"{name}.num_batches_tracked"] = ()

    norm("bn1", 64)
    inputs = 64
    for layer, (width, count) in enumerate(zip((64, 128, 256, 512), blocks, strict=True), start=1):
        for block in range(count):
            name = f"layer{layer}.{block}"
            layout[f"{name}.conv1.weight"] = (width, inputs, 3, 3)
            norm(f"{name}.bn1", width)
            layout[f"{name}.conv2.weight"] = (width, width, 3, 3)
            norm(f"{name}.bn2", width)
            if layer > 1 and block == 0:
                layout[f"{name}.downsample.0.weight"] = (width, inputs, 1, 1)
                norm(f"{name}.downsample.1", width)
            inputs = width
    return layout | {"fc.weight": (classes, 512), "fc.bias": (classes,)}


@pytest.mark.parametrize(
    ("depth", "blocks", "entries", "parameters"),
    [(18, (2, 2, 2, 2), 122, 11_689_512), (34, (3, 4, 6, 3), 218, 21_797_672)],
)
def test_names_shapes_and_order_are_those_of_timm(depth, blocks, entries, parameters):
    model = resnet((3, 224, 224), 1000, depth=depth)
    state = model.state_dict()
    assert len(state) == entries
    assert [(name, tuple(value.shape)) for name, value in state.items()] == list(timm_layout(blocks).items())
    assert sum(p.numel() for p in model.parameters()) == parameters


def test_a_small_image_keeps_its_resolution_and_all_names_but_the_stem_s_shape():
    small, photo = resnet((3, 64, 64), 10).state_dict(), resnet((3, 65, 65), 10).state_dict()
    assert list(small) == list(photo)
    assert [name for name in small if small[name].shape != photo[name].shape] == ["conv1.weight"]


@pytest.mark.parametrize(("side", "grid"), [(32, 4), (64, 8), (128, 4), (224, 7)])
def test_the_last_layer_sees_the_image_at_an_eighth_or_a_thirty_second(side, grid):
    model, seen = resnet((3, side, side), 10, width=16), []
    model.layer4.register_forward_hook(lambda module, inputs, out: seen.append(tuple(out.shape)))
    model(torch.zeros(2, 3, side, side))
    assert seen == [(2, 128, grid, grid)]


def test_each_block_starts_as_its_shortcut():
    model = resnet((3, 32, 32), 10, width=16)
    x = torch.rand(2, 16, 8, 8)
    assert torch.equal(model.layer1(x), x)
