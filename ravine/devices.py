"""Where to compute."""

import re
from collections.abc import Iterator
from contextlib import contextmanager

import torch

from ravine.errors import UsageError


def device_named(name: str) -> torch.device:
    """`auto` (a GPU if there is one), `cpu`, `cuda`, `cuda:1`. Raises UsageError for one that is not there."""
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    known = re.fullmatch(r"cpu|cuda(?::([0-9]+))?", name)
    if not known:
        raise UsageError("unknown device", where=f"--device {name}", expected="auto, cpu, cuda or cuda:1")
    if name != "cpu" and int(known[1] or 0) >= torch.cuda.device_count():
        found = f"{torch.cuda.device_count()} GPUs that PyTorch can use"
        raise UsageError(found, where=f"--device {name}", expected="--device cpu, or a PyTorch with CUDA and a GPU")
    return torch.device(name)


@contextmanager
def cpu_threads(number: int | str) -> Iterator[None]:
    """Inside the block torch computes with so many CPU threads; "auto" leaves them as they are."""
    before = torch.get_num_threads()
    if number != "auto":
        torch.set_num_threads(int(number))
    try:
        yield
    finally:
        torch.set_num_threads(before)
