"""Every model, small: what holds of blocks must hold of each."""

import pytest
import torch

from ravine.models import MODELS

_SMALL = {"mlp": {"hidden": (12, 8)}, "convnet": {"width": 4}, "resnet": {"width": 16}}
_OWN = sorted(MODELS.keys() - {"timm"})  # timm's have tests of their own
_KINDS = ["convnet", "mlp", "resnet", "resnet20"]  # the deeper ones are resnet20 with more blocks


def _made(name):
    torch.manual_seed(0)
    made = MODELS[name]((3, 16, 16), 5, **_SMALL.get(name, {"width": 4}))
    for key, value in made.state_dict().items():
        if key.endswith("running_mean"):
            value.normal_()
        if key.endswith("running_var"):
            value.uniform_(0.5, 2.0)
        if key.endswith("weight") and not value.any():  # gammas and heads that start at 0 let no gradient through
            value.normal_()
    return made


@pytest.fixture(params=_KINDS)
def model(request):
    """A network for images [B, 3, 16, 16] and 5 classes, in train mode, whose norms have statistics that differ."""
    return _made(request.param)


@pytest.fixture(params=_OWN)
def every_model(request):
    """The same, of every name."""
    return _made(request.param)


@pytest.fixture
def images():
    """[8, 3, 16, 16]."""
    return torch.randn(8, 3, 16, 16, generator=torch.Generator().manual_seed(1))
