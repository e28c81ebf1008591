"""What a training ran on: kept with the run, and compared when it is taken up again."""

import os
import platform
import sys
from pathlib import Path
from typing import Any

import numpy as np
import torch

import ravine
from ravine.data import decoding

# What must be equal for a resumed run to be bit-identical to an uninterrupted one
_EXACT = ("torch", "numpy", "decoder", "device", "threads", "machine", "processor")


def environment_of(device: torch.device) -> dict[str, Any]:
    """Versions, machine and command, for `environment.json`."""
    name = torch.cuda.get_device_name(device) if device.type == "cuda" else device.type
    return {
        "ravine": ravine.__version__,
        "python": platform.python_version(),
        "torch": torch.__version__,
        "numpy": np.__version__,
        "decoder": decoding.DECODER,
        "device": name,
        "threads": torch.get_num_threads(),
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "machine": platform.machine(),
        "processor": _processor(),
        "system": platform.platform(),
        "command": sys.argv,
    }


def _processor() -> str:
    """The model's name on Linux; torch chooses its kernels by it."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return platform.processor()
    return next((line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), "")


def changes(before: dict[str, Any], now: dict[str, Any]) -> list[str]:
    """What has changed of all that a bit-identical result needs, as "torch 2.12 -> 2.13"."""
    return [f"{key} {before.get(key)} -> {now[key]}" for key in _EXACT if before.get(key) != now[key]]
