"""`ravine probe`: what a pretrained network's features know of your classes, in seconds."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ravine.cli.flags import parse
from ravine.cli.look_flags import LookFlags

if TYPE_CHECKING:
    from ravine.runs.probing import Probe


@dataclass(frozen=True)
class Options(LookFlags):
    """Examples:
      ravine probe runs/birds photos/
      ravine probe resnet20.th photos.zip --model resnet20 --block all
      ravine probe timm:resnet18 photos/ --json

    A linear probe (logistic regression) and k nearest neighbours on frozen features. Judged on the test split if there
    is one, else on validation; the penalty and k are chosen on other images than those.
    """

    block: str = "auto"
    """Name or number of the block after which features are taken, or all; auto takes what the head is given."""
    seed: int = 0
    """Of the images that are set aside where DATA has no val/ or test/."""


def run(arguments: Sequence[str]) -> int:
    options = parse(Options, arguments, "probe")
    from ravine.checkpoints.records import dumps
    from ravine.cli.allocator import keep_freed_memory
    from ravine.runs.probing import probe

    keep_freed_memory()
    found = probe(options.weights, options.data, seed=options.seed, **options.for_looking())
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
