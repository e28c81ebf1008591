"""`ravine features`: what a pretrained network makes of images, as an .npz for anything that learns from arrays."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

import tyro

from ravine.cli.flags import parse
from ravine.cli.look_flags import LookFlags


@dataclass(frozen=True)
class Options(LookFlags):
    """Examples:
      ravine features runs/birds photos/ -o features.npz
      ravine features resnet20.th photos.zip -o features.npz --model resnet20 --block layer2
      ravine train features.npz

    Writes x, y (and x_val, y_val, x_test, y_test where DATA has those splits) and classes: float32 features [N, F],
    averaged over positions or tokens, in the order of DATA's sorted images. ravine train and numpy.load read the file.
    """

    out: Annotated[str, tyro.conf.arg(aliases=["-o"])] = "features.npz"
    """The .npz to write; one that is there already is replaced."""


def run(arguments: Sequence[str]) -> int:
    options = parse(Options, arguments, "features")
    from pathlib import Path

    from ravine.checkpoints.records import dumps
    from ravine.cli.allocator import keep_freed_memory
    from ravine.errors import UsageError
    from ravine.exporting.exported import check_place
    from ravine.runs.features import checked, features

    out = checked(options.out)
    for given in (options.weights, options.data):
        if Path(given).resolve() == out.resolve():
            raise UsageError("is what it is made from", where=f"--out {out}", expected="another name")
    check_place(out)
    keep_freed_memory()
    found = features(options.weights, options.data, **options.for_looking())
    replaced = ", replaced" if out.exists() else ""
    found.save(out)
    if options.json:
        print(dumps({"out": str(out), **found.to_json()}))
        return 0
    counts = ", ".join(f"{split} {len(y):,}" for split, y in found.y.items())
    print(
        f"{out}  {out.stat().st_size / 1e6:.1f} MB{replaced}: {found.width} features of {found.block}; images: {counts}"
    )
    print(f"train on them with  ravine train {out}")
    return 0
