"""`ravine export`: one file out, for use without ravine, compared with ravine before it is written."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Literal

import tyro

from ravine.cli.flags import parse

if TYPE_CHECKING:
    import numpy as np

    from ravine.exporting import Exported
    from ravine.prediction import Predictor
    from ravine.training.console import Console


@dataclass(frozen=True)
class Options:
    """Examples:
      ravine export runs/photos -o photos.safetensors
      ravine export runs/photos --onnx photos.onnx --torch photos.pt2
      ravine export runs/photos --member 2 --half -o small.safetensors

    The .onnx and .pt2 files take raw uint8 images [N, C, H, W] of the network's size and give probabilities
    [N, classes]: normalisation and the members' vote are inside, and neither needs ravine. Each file is read again and
    compared with ravine on validation images, and nothing is written unless all agree. A file that is there already is
    replaced.
    """

    run: Annotated[str, tyro.conf.Positional, tyro.conf.arg(metavar="RUN|WEIGHTS")]
    """A run's folder or a weights file."""
    out: Annotated[str, tyro.conf.arg(aliases=["-o"])] = ""
    """A .safetensors file to write: ravine's own, for predict, evaluate and ravine.load."""
    onnx: str = ""
    """An .onnx file to write; needs pip install "ravine[onnx]"."""
    torch: str = ""
    """A .pt2 file to write: torch.export.load("FILE.pt2").module()(images)."""
    use: Literal["best", "last"] = "best"
    """Which weights of a run."""
    member: int | Literal["all"] = "all"
    """One member of several, from 0; all is their vote."""
    half: bool = False
    """Weights as float16: half the size; probabilities may then differ by up to 0.01."""
    data: str = ""
    """What to compare on: folder, .zip, .npz or digits; empty is the run's own data, else random images."""
    images: int = 256
    """On so many images the files are compared with ravine."""
    cache: str = ""
    """Where decoded images are kept; empty is ~/.cache/ravine (or RAVINE_CACHE)."""


def run(arguments: Sequence[str]) -> int:
    options = parse(Options, arguments, "export")
    from ravine.errors import UsageError
    from ravine.exporting import export, member
    from ravine.exporting.exported import checked_paths
    from ravine.loading import load, weights_path
    from ravine.training.console import Console

    if options.images < 1:
        raise UsageError(f"cannot be {options.images}", where="--images", expected="1 or more")
    names = {kind: getattr(options, kind) or None for kind in ("out", "onnx", "torch")}
    paths, source = checked_paths(**names), weights_path(options.run, options.use)
    for path in paths.values():
        if path.resolve() == source.resolve():
            raise UsageError("is the file to be exported", where=f"--out {path}", expected="another name")
    network, console = load(source), Console()
    if options.member != "all":
        network = member(network, options.member)
    rows, said = _rows(network, options, console)
    files = export(network, **names, half=options.half, rows=rows)
    _report(files, said, network)
    return 0


def _rows(network: "Predictor", options: Options, console: "Console") -> "tuple[np.ndarray, str]":
    """The rows of the check, and what they are. Own data that cannot be had is no reason not to export."""
    from ravine.errors import RavineError
    from ravine.exporting.rows import random_rows, validation_rows
    from ravine.runs.own_data import own_data

    try:
        dataset = own_data(options.run, network, options.data or None, options.cache or None, console)
        return validation_rows(dataset, options.images)
    except RavineError as error:
        if options.data:
            raise
        console.say(f"no own data to compare on ({error.what}); --data PLACE says where there is some")
        return random_rows(network, options.images)


def _report(files: "Sequence[Exported]", said: str, network: "Predictor") -> None:
    """What was written, and how far it is from ravine."""
    import torch
    from rich.console import Console
    from rich.markup import escape

    from ravine.exporting.card import card

    terminal, width = Console(soft_wrap=True, highlight=False), max(len(str(file.path)) for file in files)
    for file in files:
        size = f"{file.size / 1e6:.2f} MB" + (", replaced" if file.replaced else "")
        agreed = f"differs by at most {file.parity.largest:.2g}, same class for {file.parity.same:.2%}"
        times = f"{file.seconds * 1000:.1f} ms (ravine {file.ravine_seconds * 1000:.1f})"
        terminal.print(f"{escape(f'{file.path!s:{width}}')}  {size}; {agreed}; {times}")
    n, threads = files[0].parity.n, torch.get_num_threads()
    on = f"on the CPU with {threads} thread{'s' * (threads > 1)}"
    terminal.print(f"compared with ravine on {escape(said)}; times are for all {n:,} at once, {on}")
    if any(file.path.suffix.lower() != ".safetensors" for file in files):
        about = card(network)
        terminal.print(f"in   {escape(about['input'])}\nout  {escape(about['output'])}")
