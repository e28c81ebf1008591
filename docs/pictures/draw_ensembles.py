"""Draws docs/pictures/masks.svg and ensemble.svg with the commands that the pages of chapter 2 name.

python docs/pictures/draw_ensembles.py [cifar10-jpeg.zip]

Without CIFAR-10, which takes 5 trainings, only the masks of a small network for the digits are drawn.
"""

import sys
import tempfile
from pathlib import Path

from ravine.cli import main as ravine

HERE = Path(__file__).parent
SMALL = ["train", "digits", "--model", "mlp([64])", "--epochs", "10", "--test", "0.2", "--regularize", "dropout(0.5)"]


def main(cifar: str = "") -> None:
    with tempfile.TemporaryDirectory() as out:
        ravine([*SMALL, "--out", out, "--name", "one"])
        ravine([*SMALL, "--out", out, "--name", "five", "--members", "5"])
        ravine(["masks", f"{out}/one", "--ensemble", f"{out}/five", "-o", str(HERE / "masks.svg")])
        if cifar:
            ravine(["train", cifar, "--out", out, "--name", "cifar10", "--members", "5"])
            ravine(["ensemble", f"{out}/cifar10", "-o", str(HERE / "ensemble.svg")])


if __name__ == "__main__":
    main(*sys.argv[1:])
