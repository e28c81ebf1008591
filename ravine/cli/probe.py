"""`ravine probe`: what a pretrained network's features know of your classes, in seconds."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

import tyro

from ravine.cli.flags import parse

if TYPE_CHECKING:
    from ravine.runs.probing import Probe


@dataclass(frozen=True)
class Options:
    """Examples:
      ravine probe runs/birds photos/
      ravine probe resnet20.th photos.zip --model resnet20 --block all
      ravine probe timm:resnet18 photos/ --json

    A linear probe (logistic regression) and k nearest neighbours on frozen features. Judged on the test split if there
    is one, else on validation; the penalty and k are chosen on other images than those.
    """

    weights: Annotated[str, tyro.conf.Positional, tyro.conf.arg(metavar="WEIGHTS")]
    """A run's folder, a weights file (.safetensors, .pth, .pt, .th), timm:NAME or hf-hub:NAME."""
    data: Annotated[str, tyro.conf.Positional, tyro.conf.arg(metavar="DATA")]
    """Folder, .zip, .npz, or digits."""
    block: str = "auto"
    """Name or number of the block after which features are taken, or all; auto takes what the head is given."""
    member: int = 0
    """Which of several networks, from 0."""
    model: str = "auto"
    """What a file of others' making is: resnet20, 'timm("resnet50")'; auto recognises ravine's models."""
    normalize: str = "auto"
    """What pixels are brought to: imagenet, half, data, values(mean, std); auto is what the weights are used to."""
    size: str = "auto"
    """Side in pixels that images are brought to; auto is what the weights were trained on."""
    seed: int = 0
    """Of the images that are set aside where DATA has no val/ or test/."""
    max_bad: float = 0.01
    """Share of unreadable images that is accepted (they are left out, and listed)."""
    device: str = "auto"
    """auto (a GPU if there is one), cpu, cuda, cuda:1."""
    cache: str = ""
    """Where decoded images are kept; empty is ~/.cache/ravine (or RAVINE_CACHE)."""
    json: bool = False
    """Print the results as one JSON object."""


def run(arguments: Sequence[str]) -> int:
    options = parse(Options, arguments, "probe")
    from ravine.checkpoints.records import dumps
    from ravine.cli.allocator import keep_freed_memory
    from ravine.runs.probing import probe

    keep_freed_memory()
    found = probe(
        options.weights,
        options.data,
        block=options.block,
        member=options.member,
        model=options.model,
        normalize=options.normalize,
        size=int(options.size) if options.size.isdecimal() else options.size,
        seed=options.seed,
        max_bad=options.max_bad,
        device=options.device,
        cache=options.cache or None,
    )
    if options.json:
        print(dumps(found.to_json()))
    else:
        _print(found)
    return 0


def _print(found: "Probe") -> None:
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    terminal = Console(soft_wrap=True, highlight=False)
    terminal.width = max(terminal.width, 92)  # the table's; a narrower terminal breaks its lines itself
    table = Table(box=None, header_style="bold", pad_edge=False)
    for i, name in enumerate(("block", "width", "linear probe (95%)", "k-NN (95%)", "l2", "k", "s")):
        table.add_column(name, justify="left" if i == 0 else "right", no_wrap=True)
    for one in found.blocks:
        chosen = (f"{one.l2:.1g}", str(one.k), f"{one.seconds:.1f}")
        table.add_row(escape(one.block), str(one.width), str(one.linear), str(one.neighbours), *chosen)
    table.add_row("most frequent class", "", str(found.majority), "", "", "", "")
    terminal.print(table)
    split = {"test": "test", "val": "validation"}[found.judged_on]
    terminal.print(
        f"judged on {found.n:,} {split} images, fitted on {found.fitted:,}; {found.choosing:,} others chose l2 and k"
    )
    for note in found.notes:
        terminal.print(escape(note))
    terminal.print(f"{found.seconds:.1f} s in all")
