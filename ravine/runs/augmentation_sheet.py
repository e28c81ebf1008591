"""augmentation.png: some training images, and what this training shows of them in its first epochs."""

from ravine.augmentation.sheet import contact_sheet
from ravine.augmentation.sheet_picture import small_picture
from ravine.checkpoints.run_folder import RunFolder
from ravine.data.findings import shown
from ravine.runs.sparing import spared
from ravine.runs.trainer import Training
from ravine.training.console import Console

_IMAGES = 3


def write_sheet(folder: RunFolder, training: Training, console: Console) -> None:
    """Writes it where images are augmented; floats are no pictures. Where that fails, the console says so."""
    recipe, dataset = training.recipe, training.dataset
    if recipe.augment == "none" or dataset.preprocessing is None:
        return
    train, classes = dataset.splits["train"], [shown(name) for name in dataset.classes]
    with spared(folder.augmentation.name, console):
        sheet = contact_sheet(recipe.augment, train.take, train.y, classes, title="", images=_IMAGES, seed=recipe.seed)
        folder.write_bytes(folder.augmentation.name, small_picture(sheet))
