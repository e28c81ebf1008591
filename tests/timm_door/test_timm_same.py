"""ravine's resnet18 and resnet34 are timm's: names, shapes, and with the same weights the same numbers."""

import pytest
import torch
from timm_networks import batch, network

from ravine.models import resnet

pytest.importorskip("timm", reason="timm is not installed: make test-timm")
pytestmark = pytest.mark.timm


@pytest.mark.parametrize("depth", [18, 34])
def test_names_shapes_and_logits_are_equal(depth):
    shape = (3, 224, 224)
    its, ours = network(f"resnet{depth}", shape, classes=1000), resnet(shape, 1000, depth=depth)
    with torch.no_grad():
        for i, tensor in enumerate((*its.parameters(), *its.buffers())):  # nothing at 0 or 1, where much would not show
            if tensor.is_floating_point():
                tensor.add_(0.01 * batch(*tensor.shape, seed=i).abs())
        state = its.state_dict()
        assert [(name, t.shape) for name, t in ours.state_dict().items()] == [(n, t.shape) for n, t in state.items()]
        ours.load_state_dict(state)
        x = batch(2, *shape)
        assert torch.equal(its.eval()(x), ours.eval()(x))
