"""Draws docs/pictures/run.svg: what a terminal shows for `ravine train digits`.

python docs/pictures/draw_run.py
"""

import io
import subprocess
import sys
import tempfile
from pathlib import Path

from rich.console import Console
from rich.text import Text

COMMAND = ["train", "digits", "--test", "0.2", "--epochs", "10"]


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        done = subprocess.run(  # noqa: S603
            [sys.executable, "-m", "ravine", *COMMAND], cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            text=True, check=True,
        )  # fmt: skip
    terminal = Console(record=True, width=100, file=io.StringIO(), highlight=False)
    terminal.print(Text(f"$ ravine {' '.join(COMMAND)}", style="bold"))
    terminal.print(done.stdout.rstrip(), markup=False)
    Path(__file__).with_name("run.svg").write_text(terminal.export_svg(title="ravine"), encoding="utf-8")


if __name__ == "__main__":
    main()
