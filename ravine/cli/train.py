"""`ravine train`: images in, a trained classifier out."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

import tyro

from ravine.cli.flags import parse
from ravine.cli.training_flags import TrainingFlags


@dataclass(frozen=True)
class Options(TrainingFlags):
    """Examples:
      ravine train digits
      ravine train photos/ --epochs 20
      ravine train photos.zip --model "resnet(depth=18)" --size 96
      ravine train photos/ --optimizer "momentum(rho=0.9, nesterov=True)" --lr 0.1 --clip 1.0
      ravine train photos/ --balance loss --patience 5 --name second-try
      ravine train photos/ --members 5
      ravine train photos/ --members 8 --sweep "lr=1e-3..1e-1"

    DATA is a folder with one folder of images per class (or train/, val/, test/ with such folders), a .zip of it, an
    .npz with x and y, or the word digits. The same command again goes on with an interrupted run.
    """

    data: Annotated[str, tyro.conf.Positional, tyro.conf.arg(metavar="DATA")] = tyro.MISSING
    """Folder, .zip, .npz, or digits."""


def run(arguments: Sequence[str]) -> int:
    options = parse(Options, arguments, "train")
    from ravine.cli.allocator import keep_freed_memory
    from ravine.cli.results_table import print_results
    from ravine.runs import train
    from ravine.runs.budget import process_start

    keep_freed_memory()
    began = process_start()
    run = train(options.data, observers=options.observers(), began=began, **options.for_training())
    print_results(run, as_json=options.json)
    return 0
