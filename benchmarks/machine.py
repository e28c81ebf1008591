"""The head of every table: what was measured on."""

import os
import platform
import statistics
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch


def describe(n: int) -> str:
    """Machine, versions and number of repetitions in one line."""
    model = next(
        (line.split(":")[1].strip() for line in _cpuinfo() if line.startswith("model name")), platform.machine()
    )
    gpu = f", {torch.cuda.get_device_name()}" if torch.cuda.is_available() else ""
    return (
        f"{model}, {os.cpu_count()} cores, {torch.get_num_threads()} threads{gpu}; "
        f"Python {platform.python_version()}, torch {torch.__version__}, numpy {np.__version__}; n = {n}"
    )


def spread(values: Sequence[float], digits: int = 3) -> str:
    """`median (min to max)`."""
    return f"{statistics.median(values):,.{digits}f} ({min(values):,.{digits}f} to {max(values):,.{digits}f})"


def _cpuinfo() -> list[str]:
    path = Path("/proc/cpuinfo")
    return path.read_text().splitlines() if path.exists() else []
