"""Tensors of every type and layout that can be saved, and how to compare them."""

import torch

RANDOM = torch.Generator().manual_seed(0)
ALL = {
    "double": torch.randn(3, 2, dtype=torch.float64, generator=RANDOM),
    "single": torch.randn(2, 3, 4, 4, generator=RANDOM),
    "half": torch.randn(5, generator=RANDOM).half(),
    "brain": torch.randn(5, generator=RANDOM).bfloat16(),
    "long": torch.tensor([-(2**63), 2**63 - 1]),
    "int": torch.tensor([-(2**31)], dtype=torch.int32),
    "short": torch.tensor([-5, 7], dtype=torch.int16),
    "char": torch.tensor([-128, 127], dtype=torch.int8),
    "byte": torch.arange(256).to(torch.uint8),
    "u64": torch.tensor([2**63 - 1]).to(torch.uint64),
    "u32": torch.tensor([2**32 - 1]).to(torch.uint32),
    "u16": torch.tensor([2**16 - 1]).to(torch.uint16),
    "bool": torch.tensor([True, False, True]),
    "empty": torch.empty(0, 3),
    "scalar": torch.tensor(2.5),
    "step": torch.tensor(12),
    "nan": torch.tensor([float("nan"), float("inf"), -0.0]),
    "transposed": torch.arange(6.0).reshape(2, 3).T,
    "channels_last": torch.randn(2, 3, 4, 4, generator=RANDOM).to(memory_format=torch.channels_last),
    "parameter": torch.nn.Parameter(torch.ones(2)),
    "expanded": torch.tensor([1.0]).expand(4),
    "Größe/重み \n\"'": torch.tensor([1.0]),
}


def bits(tensor):
    """The bytes of a tensor as numbers: NaN equals NaN, and -0.0 differs from 0.0."""
    return tensor.detach().contiguous().reshape(-1).view(torch.uint8).tolist()
