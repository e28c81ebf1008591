"""`ravine finetune`: pretrained weights and a folder of images in, a fine-tuned classifier out."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

import tyro

from ravine.cli.flags import parse
from ravine.cli.training_flags import TrainingFlags


@dataclass(frozen=True)
class Options(TrainingFlags):
    """Examples:
      ravine finetune runs/birds photos/
      ravine finetune resnet20.th photos/ --model resnet20 --normalize imagenet
      ravine finetune timm:resnet18 photos/ --members 5
      ravine finetune runs/birds photos/ --freeze "all but head"
      ravine finetune runs/birds photos/ --gradual --layer-decay 0.7 --regularize "l2_sp(0.01)"

    Trains on DATA from the WEIGHTS of a run, a weights file (.safetensors, .pth, .pt, .th), timm:NAME or hf-hub:NAME.
    A new head for the new classes is trained alone first (--unfreeze-at), then everything, at rates that fall from
    block to block (--layer-decay); a table says what is trained when. It takes all flags of ravine train, and what
    comes out is a run like any other; the same command again goes on with an interrupted one.
    """

    weights: Annotated[str, tyro.conf.Positional, tyro.conf.arg(metavar="WEIGHTS")] = tyro.MISSING
    """A run's folder, a weights file, timm:NAME or hf-hub:NAME."""
    data: Annotated[str, tyro.conf.Positional, tyro.conf.arg(metavar="DATA")] = tyro.MISSING
    """Folder, .zip, .npz, or digits."""


def run(arguments: Sequence[str]) -> int:
    options = parse(Options, arguments, "finetune", not_offered=["pretrained"])
    from ravine.cli.allocator import keep_freed_memory
    from ravine.cli.results_table import print_results
    from ravine.runs.budget import process_start
    from ravine.runs.finetune import finetune

    keep_freed_memory()
    began = process_start()
    run = finetune(options.weights, options.data, observers=options.observers(), began=began, **options.for_training())
    print_results(run, as_json=options.json)
    return 0
