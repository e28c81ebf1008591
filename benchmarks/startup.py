"""`ravine train digits --epochs 1` from process start to exit, and where the time goes.

python benchmarks/startup.py [REPETITIONS]
"""

import subprocess
import sys
import tempfile
import time
from pathlib import Path

from machine import describe, spread

COMMANDS = [
    ("python -c pass", ["-c", "pass"]),
    ("import numpy", ["-c", "import numpy"]),
    ("import torch", ["-c", "import torch"]),
    ("import all that training needs", ["-c", "import ravine.runs, ravine.cli.train, ravine.cli.results_table"]),
    ("the first torch.optim.Optimizer", ["-c", "import torch; torch.optim.SGD([torch.zeros(1)], lr=0.1)"]),
    ("ravine --help", ["-m", "ravine", "--help"]),
    ("ravine train digits --epochs 1", ["-m", "ravine", "train", "digits", "--epochs", "1", "--fresh", "--quiet"]),
]


# a second run up to its first step, as the command line does it
FIRST_STEP = """
import os, sys
from ravine.cli import main
from ravine.optimization import Stepper
Stepper.step = lambda *_: os._exit(0)
main(["train", sys.argv[1], "--epochs", "1", "--fresh", "--quiet"])
"""


def main(data: list[str], repetitions: int = 5) -> None:
    print(describe(repetitions))
    if data:
        COMMANDS.append((f"first step on {Path(data[0]).name}", ["-c", FIRST_STEP, str(Path(data[0]).resolve())]))
    seconds: dict[str, list[float]] = {name: [] for name, _ in COMMANDS}
    with tempfile.TemporaryDirectory() as folder:
        for repetition in range(repetitions + 1):
            for name, arguments in COMMANDS:
                started = time.perf_counter()
                subprocess.run([sys.executable, *arguments], check=True, capture_output=True, cwd=folder)
                if repetition:
                    seconds[name].append(time.perf_counter() - started)
    for name, values in seconds.items():
        print(f"{name:36} {spread(values)} s")


if __name__ == "__main__":
    main(sys.argv[1:2])
