"""What saving costs: seconds and bytes of a save, against the seconds of an epoch of the same training.

    python benchmarks/checkpoint.py DATA [EPOCHS]

Trains the default recipe for a few epochs with a save after each, on DATA (CIFAR-10 as a zip, say), or on the digits.
"""

import sys
import tempfile
import time
from pathlib import Path

from machine import describe, spread

import ravine
from ravine.cli.allocator import keep_freed_memory
from ravine.runs import saving


def main(source: str, epochs: int) -> None:
    keep_freed_memory()
    saving.COST_SHARE = float("inf")  # save after every epoch, whatever it costs
    costs: list[float] = []
    plain = saving.Saver.save

    def timed(self):
        started = time.perf_counter()
        path = plain(self)
        costs.append(time.perf_counter() - started)
        return path

    saving.Saver.save = timed
    with tempfile.TemporaryDirectory() as folder:
        run = ravine.train(source, out=folder, quiet=True, epochs=epochs)
        seconds = [row["data"] + row["compute"] + row["validation"] for row in run.folder.read_rows("times.jsonl")]
        model = run.recipe.model
        newest = sorted((run.path / "checkpoints").glob("step-*"))[-1]
        written = sum(file.stat().st_size for file in newest.iterdir())
        weights = sum(file.stat().st_size for file in (run.path / "weights").iterdir())
    print(describe(len(costs)))
    print(f"{Path(source).name}: {model}, {epochs} epochs")
    print(f"an epoch            {spread(seconds, 2)} s")
    print(f"a save              {spread([1000 * cost for cost in costs], 1)} ms")
    print(f"share of an epoch   {100 * sorted(costs)[len(costs) // 2] / sorted(seconds)[len(seconds) // 2]:.2f}%")
    print(f"bytes written       {written:,} checkpoint + {weights:,} best and last weights")


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else "digits", int(sys.argv[2]) if len(sys.argv) > 2 else 3)
