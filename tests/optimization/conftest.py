"""What the tests of the rules share."""

import pytest
import torch


def noisy_gradients(n, shape, seed=0, dtype=torch.float64):
    """`n` seeded gradients whose coordinates are of very different steepness."""
    generator = torch.Generator().manual_seed(seed)
    scale = torch.logspace(-3, 2, shape[-1], dtype=dtype)
    return [torch.randn(shape, generator=generator, dtype=dtype) * scale for _ in range(n)]


@pytest.fixture
def gradients():
    return noisy_gradients


@pytest.fixture
def double_precision():
    """So that what torch keeps beside the weights (NAdam's product) has double precision too."""
    before = torch.get_default_dtype()
    torch.set_default_dtype(torch.float64)
    yield
    torch.set_default_dtype(before)
