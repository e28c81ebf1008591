"""`ravine evaluate`: score a run or a weights file on data."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Literal

import tyro

from ravine.cli.flags import parse

if TYPE_CHECKING:
    from ravine.data import Dataset
    from ravine.prediction import Predictor
    from ravine.training.console import Console


@dataclass(frozen=True)
class Options:
    """Examples:
      ravine evaluate runs/photos photos/
      ravine evaluate best.safetensors new-photos.zip --json
      ravine evaluate runs/photos photos/ --use last --split val
      ravine evaluate runs/photos photos/ --tta flip
      ravine evaluate resnet20.th photos/ --model resnet20 --normalize imagenet

    Scores the test/ split of DATA if it has one, else val/, else all of it, and says which. A file of others' making
    (.pth, .pt, .th, .safetensors, or timm:NAME) names no classes: its outputs are taken to be those of DATA, sorted.
    """

    weights: Annotated[str, tyro.conf.Positional, tyro.conf.arg(metavar="WEIGHTS")]
    """A run's folder or a weights file, also of others' making."""
    data: Annotated[str, tyro.conf.Positional, tyro.conf.arg(metavar="DATA")]
    """Folder, .zip, .npz, or digits."""
    split: Literal["auto", "train", "val", "test"] = "auto"
    """Which split to score."""
    use: Literal["best", "last"] = "best"
    """Which weights of a run."""
    tta: str = "none"
    """Test-time augmentation, scored beside the plain network: flip, shift, 10crop, or N draws as in training."""
    model: str = "auto"
    """Of a file of others' making: the network, such as resnet20; auto recognises ravine's own by names and shapes."""
    normalize: str = "auto"
    """Of a file of others' making: what it was trained with: imagenet, half, or values(mean, std) with lists in 0..1;
    auto is imagenet."""
    size: int | Literal["auto"] = "auto"
    """Of a file of others' making: side in pixels that images are brought to; auto is what suits them."""
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
    from ravine.cli.results_table import print_score, print_views
    from ravine.training.console import Console

    keep_freed_memory()
    console = Console()
    trained, dataset = _opened(options, console)
    console.close()
    for warning in dataset.findings.warnings:
        console.warn(warning.text)
    split, said = dataset.scored_split(options.split)
    learned = [
        one.get("fingerprint") for part in trained.parts for one in (part.about, *part.about.get("ancestors", ()))
    ]
    if split == "train" and dataset.fingerprint in learned:
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


def _opened(options: Options, console: "Console") -> "tuple[Predictor, Dataset]":
    """The network, and the data as it sees them."""
    from ravine import pretrained
    from ravine.devices import device_named
    from ravine.errors import UsageError
    from ravine.loading import load

    how = {"max_bad": options.max_bad, "cache": options.cache or None, "progress": console.decoding}
    if pretrained.is_foreign(options.weights):
        device = device_named(options.device)
        start = pretrained.start_from(options.weights, model=options.model, normalize=options.normalize)
        pretrained.refuse_uncounted(start)
        for sentence in start.said:
            console.say(sentence)
        dataset = pretrained.data_for(start, options.data, options.size, **how)
        trained = pretrained.as_trained(start, dataset, device)
        console.say(pretrained.order_said(dataset))
        channels, height, width = trained.in_shape
        console.say(f"images are seen as {width} x {height} pixels in {channels} channels")
        return trained, dataset
    for flag in ("model", "normalize", "size"):
        if getattr(options, flag) != "auto":
            where = f"--{flag} {getattr(options, flag)}"
            raise UsageError(f"{options.weights} says itself what it is", where=where, cure=f"Leave --{flag} out")
    trained = load(options.weights, use=options.use, device=options.device)
    return trained, trained.open(options.data, **how)
