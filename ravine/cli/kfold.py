"""`ravine kfold`: cross-validation, and the folds' networks as an ensemble."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any

import tyro

from ravine.cli.flags import parse
from ravine.cli.training_flags import TrainingFlags

_SHOWN = 5  # of the images that may have wrong labels


@dataclass(frozen=True)
class Options(TrainingFlags):
    """Examples:
      ravine kfold digits
      ravine kfold photos/ -k 10 --epochs 20
      ravine kfold photos.zip --test 0.2 --model "resnet(depth=18)"

    Cuts the training images into k parts, trains k networks, each without one of the parts, and validates it on that:
    every image is validated once, by a network that has not seen it. oof.csv holds what was said of each; the surest
    mistakes are often wrong labels. The k networks together are an ensemble: ravine predict and evaluate take the run's
    folder. It takes the flags of ravine train but --val, --fold and --sweep, costs k trainings, and the same command
    again goes on where it was.
    """

    data: Annotated[str, tyro.conf.Positional, tyro.conf.arg(metavar="DATA")] = tyro.MISSING
    """Folder, .zip, .npz, or digits. A val/ split joins the folds, a test/ split does not."""
    folds: Annotated[int, tyro.conf.arg(aliases=["-k"])] = 5
    """How many, 2 or more."""
    name: str = ""
    """Name of the folder, to which -kfold is added; empty takes the data's."""
    fresh: bool = False
    """Start anew in NAME-kfold-2 instead of resuming."""

    def __post_init__(self) -> None:
        from ravine.errors import UsageError

        if self.folds < 2:
            raise UsageError(f"cannot be {self.folds}", where="-k", expected="2 or more")
        super().__post_init__()


def run(arguments: Sequence[str]) -> int:
    options = parse(Options, arguments, "kfold")
    from ravine.cli.allocator import keep_freed_memory
    from ravine.runs.kfold import kfold

    keep_freed_memory()
    run = kfold(options.data, observers=options.observers(), **options.for_training())
    if options.json:
        print(json.dumps(run.summary))
    else:
        _print(run.summary)
    return 0


def _print(summary: dict[str, Any]) -> None:
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    from ravine.cli.results_table import percent

    out = Console(soft_wrap=True, highlight=False)
    table = Table("fold", "epoch", "accuracy", "images", "loss", box=None, header_style="bold", pad_edge=False)
    for i, fold in enumerate(summary["folds"]):
        table.add_row(str(i), str(fold["best_epoch"]), percent(fold), f"{fold['n']:,}", f"{fold['loss']:.3f}")
    steered, took = summary["steered_by"], summary["seconds"]
    every, last, spread = summary["best"]["val"], summary["last"]["val"], summary["spread"]
    table.add_row("all", "", percent(every), f"{every['n']:,}", f"{every['loss']:.3f}")
    out.print(table)
    out.print(
        "in percent, with 95% intervals for new images; each image counts once. Folds have a standard deviation of "
        f"{100 * spread['sd']:.1f} points,\nwhere images alone would bring {100 * spread['sd_of_images_alone']:.1f}; "
        "they share training images, so that does not say how another training would differ (Bengio & Grandvalet, 2004)"
    )
    out.print(
        "best epochs were chosen on the very images that they are judged on, which flatters a little; the last weights "
        + (f"were too, by {' and '.join(steered)}: " if steered else "were not chosen: ")
        + percent(last)
    )
    if "test" in summary["best"]:
        test = summary["best"]["test"]
        low, high = test["gain_interval"]
        out.print(
            f"the folds as an ensemble on test: {percent(test)}, mean member {test['mean_member_accuracy']:.1%}, gain "
            f"{100 * test['gain']:+.1f} points (95% {100 * low:+.1f} to {100 * high:+.1f}, paired over images)"
        )
    out.print(
        f"training took {took['data'] + took['compute']:,.1f} s for all folds; a prediction of the ensemble costs "
        f"{len(summary['folds'])} times one network's"
    )
    for one in summary["suspects"][:_SHOWN]:
        words = f"is labelled {one['label']}, looks like {one['prediction']} ({one['probability']:.1%})"
        out.print(f"check the label: {escape(one['image'])} {escape(words)}")
    out.print(f"\nall answers   {escape(summary['run'])}/oof.csv")
    out.print(f"the ensemble  {escape(summary['weights']['best'])}")
    out.print(f"predict with  ravine predict {escape(summary['run'])} IMAGE")
