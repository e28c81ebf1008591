"""A training step of quicknet on the CPU, as `--budget` takes it and with one thing about it changed.

Each contender is a process of its own, since memory and threads are a process's; in turn, so that a machine that drifts
drifts for all. Forward, loss, backward and Muon's step on random images; images a second, and the ratio to how it is.

python benchmarks/cpu_step.py [--widths 16 32] [--rounds 5] [--batch 512]
"""

import argparse
import statistics
import subprocess
import sys
import time

import torch
from machine import describe, spread
from torch import nn
from torch.nn import functional as F

from ravine import building
from ravine.cli.allocator import keep_freed_memory
from ravine.optimization import Muon

CONTENDERS = {
    "as it is": "",
    "freed memory is given back": "gives memory back",
    "images stored channel by channel": "contiguous",
    "weights channels-last too": "weights",
    "float32": "float32",
    "one thread": "one thread",
    "activations in new memory": "copies",
    "ReLU instead of SiLU": "ReLU",
    "GELU instead of SiLU": "GELU",
    "without squeeze-and-excitation": "excitation=false",
    "the first layer learned": "whitening=false",
}
_WARM, _STEPS = 2, 6


def one(width: int, batch: int, changed: str) -> float:
    """Images a second of one network in this process; the median of a few steps."""
    if changed != "gives memory back":
        keep_freed_memory()
    if changed == "one thread":
        torch.set_num_threads(1)
    torch.manual_seed(0)
    setting = f", {changed}" if "=" in changed else ""
    network = building.network(f"quicknet(width={width}{setting})", (3, 32, 32), 10)
    _activate(network, changed)
    layout = torch.contiguous_format if changed == "contiguous" else torch.channels_last
    if changed == "weights":
        network = network.to(memory_format=torch.channels_last)  # pyright: ignore[reportCallIssue]
    optimizer = Muon(network.parameters(), lr=0.01, rho=0.8)
    x = torch.randn(batch, 3, 32, 32).contiguous(memory_format=layout)
    y = torch.randint(10, (batch,))
    seconds = []
    for _ in range(_WARM + _STEPS):
        started = time.perf_counter()
        with torch.autocast("cpu", torch.bfloat16, enabled=changed != "float32"):
            out = network(x)
        F.cross_entropy(out.float(), y).backward()
        optimizer.step()
        optimizer.zero_grad()
        seconds.append(time.perf_counter() - started)
    return batch / statistics.median(seconds[_WARM:])


def _activate(network: nn.Module, changed: str) -> None:
    """Other activations in the places of SiLU."""
    others = {"copies": nn.SiLU, "ReLU": lambda: nn.ReLU(inplace=True), "GELU": nn.GELU}
    if changed in others:
        for module in list(network.modules()):
            for name, child in module.named_children():
                if isinstance(child, nn.SiLU):
                    setattr(module, name, others[changed]())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--widths", nargs="+", type=int, default=[16, 32])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--batch", type=int, default=512)
    parser.add_argument("--one", nargs=2, metavar=("WIDTH", "CHANGED"), help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.one:
        print(one(int(asked.one[0]), asked.batch, asked.one[1]))
        return
    print(describe(asked.rounds))
    print("width | changed | images a second, median (least to most) | ratio to as it is, likewise")
    for width in asked.widths:
        found: dict[str, list[float]] = {name: [] for name in CONTENDERS}
        for _ in range(asked.rounds):
            for name, changed in CONTENDERS.items():
                command = [sys.executable, __file__, "--batch", str(asked.batch), "--one", str(width), changed]
                found[name].append(float(subprocess.run(command, check=True, capture_output=True, text=True).stdout))
        for name, speeds in found.items():
            ratios = [a / b for a, b in zip(speeds, found["as it is"], strict=True)]
            print(f"{width} | {name:32} | {spread(speeds, 0)} | {spread(ratios, 2)}", flush=True)


if __name__ == "__main__":
    main()
