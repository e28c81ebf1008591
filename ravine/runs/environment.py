"""What a training ran on: kept with the run, and compared when it is taken up again."""

import platform
import sys
from typing import Any

import numpy as np
import torch

import ravine

# What must be equal for a resumed run to be bit-identical to an uninterrupted one
_EXACT = ("torch", "device", "threads", "machine")


def environment_of(device: torch.device) -> dict[str, Any]:
    """Versions, machine and command, for `environment.json`."""
    name = torch.cuda.get_device_name(device) if device.type == "cuda" else device.type
    return {
        "ravine": ravine.__version__,
        "python": platform.python_version(),
        "torch": torch.__version__,
        "numpy": np.__version__,
        "device": name,
        "threads": torch.get_num_threads(),
        "machine": platform.machine(),
        "system": platform.platform(),
        "command": sys.argv,
    }


def changes(before: dict[str, Any], now: dict[str, Any]) -> list[str]:
    """What has changed of all that a bit-identical result needs, as "torch 2.12 -> 2.13"."""
    return [f"{key} {before.get(key)} -> {now[key]}" for key in _EXACT if before.get(key) != now[key]]
