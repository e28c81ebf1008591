"""`ravine evaluate`: score a run or a weights file on data."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Literal

import tyro

from ravine.cli.flags import parse


@dataclass(frozen=True)
class Options:
    """Examples:
      ravine evaluate runs/photos photos/
      ravine evaluate best.safetensors new-photos.zip --json
      ravine evaluate runs/photos photos/ --use last --split val
      ravine evaluate runs/photos photos/ --tta flip

    Scores the test/ split of DATA if it has one, else val/, else all of it, and says which.
    """

    weights: Annotated[str, tyro.conf.Positional, tyro.conf.arg(metavar="WEIGHTS")]
    """A run's folder or a weights file."""
    data: Annotated[str, tyro.conf.Positional, tyro.conf.arg(metavar="DATA")]
    """Folder, .zip, .npz, or digits."""
    split: Literal["auto", "train", "val", "test"] = "auto"
    """Which split to score."""
    use: Literal["best", "last"] = "best"
    """Which weights of a run."""
    tta: str = "none"
    """Test-time augmentation, scored beside the plain network: flip, 10crop, or N draws of the training's own."""
    max_bad: float = 0.01
    """Share of unreadable images that is accepted (they are left out, and listed)."""
    device: str = "auto"
    """auto (a GPU if there is one), cpu, cuda, cuda:1."""
    cache: str = ""
    """Where decoded images are kept; empty is ~/.cache/ravine (or RAVINE_CACHE)."""
    json: bool = False
    """Print the score as one JSON object."""


def run(arguments: Sequence[str]) -> int:
    options = parse(Options, arguments, "evaluate")
    from ravine.checkpoints.records import dumps
    from ravine.cli.allocator import keep_freed_memory
    from ravine.cli.report import print_score, print_views
    from ravine.loading import load
    from ravine.training.console import Console

    keep_freed_memory()
    console = Console()
    trained = load(options.weights, use=options.use, device=options.device)
    dataset = trained.open(
        options.data, max_bad=options.max_bad, cache=options.cache or None, progress=console.decoding
    )
    console.close()
    for warning in dataset.findings.warnings:
        console.warn(warning.text)
    split, said = dataset.scored_split(options.split)
    if split == "train" and dataset.fingerprint in [part.about.get("fingerprint") for part in trained.parts]:
        console.warn("these weights were trained on images of this very split, so the score flatters them")
    console.say(f"scoring {said} with {trained.name}")
    score = trained.evaluate(dataset, split)
    viewed = None if options.tta == "none" else trained.evaluate(dataset, split, options.tta)
    if options.json:
        tta = {"tta": {"views": options.tta, **viewed.to_json(trained.classes)}} if viewed else {}
        print(dumps({"split": split, "weights": trained.name, **score.to_json(trained.classes), **tta}))
    else:
        print_score(score, trained.classes, said)
        if viewed:
            print_views(score, viewed, options.tta)
    return 0
