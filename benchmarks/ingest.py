"""From image files to a data set: decoding against plain Pillow, and how long the first and every later load takes.

    python benchmarks/ingest.py DATA.zip [REPETITIONS]

DATA.zip is a zip of JPEGs in class folders, such as CIFAR-10. "From files" is the same, unpacked to a temporary folder.
Cold means that there is no decode cache; the files themselves are in the system's file cache either way. What is
compared is measured in turn, so that a slow minute of the machine meets all of it. Peak memory is Linux's VmHWM.
"""

import gc
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
import zipfile
from io import BytesIO
from pathlib import Path

import numpy as np
import PIL
from machine import describe, spread
from PIL import Image

from ravine.data import Preprocessing, preprocess
from ravine.data.decoding import DECODER
from ravine.data.parallel import in_order

SAMPLE = 10_000

LOAD = """
import sys, time
started = time.perf_counter()
from ravine import data
imported = time.perf_counter()
loaded = data.load(sys.argv[1], cache=sys.argv[2])
seconds = time.perf_counter() - imported
splits = ", ".join(f"{len(split):,} {name}" for name, split in loaded.splits.items())
peak = next(int(line.split()[1]) for line in open("/proc/self/status") if line.startswith("VmHWM"))
print(imported - started, seconds, peak / 1024, splits, sep=";")
"""


def plain_pillow(files: list[bytes]) -> None:
    for content in files:
        np.asarray(Image.open(BytesIO(content)).convert("RGB"))


def ours(files: list[bytes], threads: int) -> None:
    with Image.open(BytesIO(files[0])) as image:
        to = Preprocessing(image.height, image.width, 3)

    def work(start: int, stop: int) -> np.ndarray:
        return np.stack([preprocess(content, to) for content in files[start:stop]])

    for _ in in_order(work, len(files), 256, threads):
        pass


def seconds_of(call, *arguments) -> float:
    gc.collect()
    started = time.perf_counter()
    call(*arguments)
    return time.perf_counter() - started


def load(source: Path, cache: Path) -> tuple[float, float, float, str]:
    """Seconds to import, seconds to load and peak MB of a new process, and what it loaded."""
    command = [sys.executable, "-c", LOAD, str(source), str(cache)]
    answer = subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    imported, loaded, peak, splits = answer.split(";")
    return float(imported), float(loaded), float(peak), splits


def main(source: Path, repetitions: int) -> None:
    with zipfile.ZipFile(source) as archive:
        names = [name for name in archive.namelist() if name.endswith((".jpg", ".jpeg"))]
        files = [archive.read(name) for name in names[:: max(1, len(names) // SAMPLE)]]
    print(describe(repetitions))
    print(f"{DECODER}; Pillow's loop is Image.open(...).convert('RGB') with Pillow {PIL.__version__}")
    ways = {
        "plain Pillow, 1 thread": lambda: plain_pillow(files),
        "ravine, 1 thread": lambda: ours(files, 1),
        "ravine, 2 threads": lambda: ours(files, 2),
    }
    rates = {name: [] for name in ways}
    for _ in range(repetitions):
        for name, way in ways.items():
            rates[name].append(len(files) / seconds_of(way))
    print(f"\ndecoding {len(files):,} of {len(names):,} JPEGs that are in memory: images/s")
    for name, values in rates.items():
        ratio = statistics.median(values) / statistics.median(rates["plain Pillow, 1 thread"])
        print(f"  {name:<24}{spread(values, 0):>36}   {ratio:.1f} x")
    with tempfile.TemporaryDirectory() as folder:
        unpacked, cache = Path(folder, "unpacked"), Path(folder, "cache")
        with zipfile.ZipFile(source) as archive:
            archive.extractall(unpacked)
        os.sync()
        measured: dict[str, list[tuple[float, float, float, str]]] = {}
        for _ in range(repetitions):
            for name, path in (("zip", source), ("files", unpacked)):
                shutil.rmtree(cache, ignore_errors=True)
                measured.setdefault(f"from {name}, cold", []).append(load(path, cache))
                measured.setdefault(f"from {name}, again", []).append(load(path, cache))
    print(f"\nload(), {measured['from zip, cold'][0][3]}: seconds without the import, peak memory of the process")
    for name, rows in measured.items():
        loads, peak = [row[1] for row in rows], statistics.median(row[2] for row in rows)
        print(f"  {name:<24}{spread(loads, 2):>36} s   {peak:,.0f} MB")
    print(f"  {'import ravine.data':<24}{spread([row[0] for rows in measured.values() for row in rows], 2):>36} s")


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 3)
