"""`ravine transfers`: which blocks of pretrained weights serve your data, and what to freeze."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro

from ravine.cli.flags import parse
from ravine.cli.training_flags import TrainingFlags

# set by the experiment itself: understood, to be refused with the reason
_REFUSED = ("pretrained", "keep", "freeze", "unfreeze_at", "gradual", "snapshots", "sweep", "log")


@dataclass(frozen=True)
class Options(TrainingFlags):
    """Examples:
      ravine transfers runs/birds photos/
      ravine transfers resnet20.th photos/ --model resnet20 --normalize imagenet --epochs 5
      ravine transfers timm:resnet18 photos/ --depths "0, 2, 5" -o transfers.html

    Learns DATA again and again, with the first blocks of WEIGHTS kept and frozen, kept and fine-tuned, or random and
    frozen, and the rest new, at each depth; and with all kept and the first blocks frozen, as ravine finetune does.
    Then it says in three sentences which blocks carry over, where they become specific to the old data, and what to
    freeze on yours, with a page that shows it (OUT/NAME-transfers/transfers.html). These are four trainings a depth:
    fewer --epochs or --depths make it shorter. Seeds are members; all is decided on validation. It takes the flags of
    ravine finetune but those that it sets itself, and the same command again goes on where it was.
    """

    weights: Annotated[str, tyro.conf.Positional, tyro.conf.arg(metavar="WEIGHTS")] = tyro.MISSING
    """A run's folder, a weights file, timm:NAME or hf-hub:NAME."""
    data: Annotated[str, tyro.conf.Positional, tyro.conf.arg(metavar="DATA")] = tyro.MISSING
    """Folder, .zip, .npz, or digits."""
    depths: str = "auto"
    """How many first blocks are told apart from the rest: "0, 3, 6"; 0 and all are always among them. auto is all of up
    to 6, else 6 evenly spaced ones."""
    page: Annotated[tyro.conf.UseAppendAction[tuple[str, ...]], tyro.conf.arg(aliases=["-o"], metavar="FILE")] = ()
    """Write it here, too: .html (the page), .svg (its curve) or .json (the numbers); -o can be given several times."""
    members: int = 3
    """Seeds: networks of each kind, trained side by side."""
    name: str = ""
    """Name of the folder, to which -transfers is added; empty takes the data's."""
    fresh: bool = False
    """Start anew in NAME-transfers-2 instead of going on."""
    json: bool = False
    """Print the numbers as one JSON object."""


def run(arguments: Sequence[str]) -> int:
    options = parse(Options, arguments, "transfers", not_offered=_REFUSED)
    from ravine.checkpoints import atomic
    from ravine.checkpoints.durable import saving
    from ravine.cli.allocator import keep_freed_memory
    from ravine.errors import UsageError
    from ravine.runs.transfers import transfers
    from ravine.transfer.transfers_page import checked

    if options.log != "none":
        what, cure = "its many trainings are no runs", "Leave it out; transfers.html shows them"
        raise UsageError(what, where=f"--log {options.log}", cure=cure)
    pages = [Path(page) for page in options.page]
    for page in pages:
        checked(page.suffix, f"-o {page}")  # now, not after the work
    keep_freed_memory()
    settings = options.for_training()
    found = transfers(options.weights, options.data, depths=options.depths, members=options.members, **settings)
    for page in pages:
        with saving(page):
            atomic.write(page, [found.text(page.suffix).encode()])
    if options.json:
        print(found.text(".json"), end="")
        return 0
    print("\n".join(found.sentences))
    print(f"\ndo it with     {found.verdict.command}")
    print(f"page           {found.folder}/transfers.html")
    for page in pages:
        print(f"               {page}")
    return 0
