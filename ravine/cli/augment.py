"""`ravine augment`: see what an augmentation does to your images before anything is trained on them."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import tyro

from ravine.cli.flags import parse

if TYPE_CHECKING:
    from ravine.augmentation.sheet import Sheet


@dataclass(frozen=True)
class Options:
    """Examples:
      ravine augment photos/
      ravine augment photos/ --augment "flip, rotate(15), jitter(0.2)" -o sheet.png
      ravine augment digits --augment strong --images 10

    Writes a contact sheet: real training images, and beside each what a training with this seed shows of it in its
    first eight epochs, all parts together and each part alone. Presets: light, standard, strong.
    """

    data: Annotated[str, tyro.conf.Positional, tyro.conf.arg(metavar="DATA")]
    """Folder, .zip, .npz, or digits."""
    augment: str = "auto"
    """As of ravine train; auto shows what a training would do, and standard where that is nothing."""
    out: Annotated[str, tyro.conf.arg(aliases=["-o"])] = "augment.html"
    """Where to write: .html is a page, .png a picture."""
    images: int = 6
    """How many images are shown."""
    seed: int = 0
    """Of the draws."""
    size: str = "auto"
    """Side in pixels that images are brought to; auto keeps small ones as they are."""
    max_bad: float = 0.01
    """Share of unreadable images that is accepted (they are left out, and listed)."""
    cache: str = ""
    """Where decoded images are kept; empty is ~/.cache/ravine (or RAVINE_CACHE)."""


def run(arguments: Sequence[str]) -> int:
    options = parse(Options, arguments, "augment")
    from ravine.checkpoints import atomic
    from ravine.checkpoints.durable import saving
    from ravine.errors import UsageError

    out = Path(options.out)
    if out.suffix.lower() not in (".html", ".png"):
        raise UsageError("unknown ending", where=f"--out {out}", expected=".html (a page) or .png (a picture)")
    if not 1 <= options.images <= 100:
        raise UsageError(f"cannot be {options.images}", where="--images", expected="1 to 100")
    sheet = _sheet(options)
    with saving(out):
        atomic.write(out, [_written(sheet, out)])
    print(f"{out}  {out.stat().st_size / 1e6:.1f} MB; look whether a person would still give each image its label")
    return 0


def _sheet(options: Options) -> "Sheet":
    """What is to be shown: the images that a training with this seed would be trained on."""
    from ravine import data
    from ravine.augmentation.sheet import contact_sheet
    from ravine.errors import DataError
    from ravine.recipe import Recipe
    from ravine.runs.defaults import augmentation_for, with_held_out
    from ravine.training.console import Console

    console = Console()
    size = int(options.size) if options.size.isdecimal() else options.size
    dataset = data.load(
        options.data, size=size, max_bad=options.max_bad, cache=options.cache or None, progress=console.decoding
    )
    console.close()
    if dataset.preprocessing is None:
        raise DataError("floats, which are no pictures", where=dataset.name, expected="images, or uint8 arrays")
    dataset, _ = with_held_out(dataset, Recipe(seed=options.seed))
    train = dataset.splits["train"]
    text, why = augmentation_for(options.augment, tuple(train.shape))
    if text == "none" and options.augment == "auto":
        console.say(f"a training would augment nothing ({why}); this shows what standard would do")
        text = "standard"
    elif why:
        console.say(f"augment {text} ({why})")
    shown = text if options.augment == "auto" else options.augment
    sheet = contact_sheet(
        shown, train.take, train.y, dataset.classes, title=dataset.name, images=options.images, seed=options.seed
    )
    for warning in sheet.warnings:
        console.warn(warning)
    return sheet


def _written(sheet: "Sheet", out: Path) -> bytes:
    import io

    from ravine.augmentation.sheet_page import page
    from ravine.augmentation.sheet_picture import picture

    if out.suffix.lower() == ".html":
        return page(sheet).encode()
    buffer = io.BytesIO()
    picture(sheet).save(buffer, "PNG", optimize=True)
    return buffer.getvalue()
