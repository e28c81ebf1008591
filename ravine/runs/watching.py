"""A run watched for traps. What they have to know of it is read from its folder, so a report finds the same ones."""

import math
from collections.abc import Callable, Iterable
from dataclasses import fields
from typing import Any

from ravine import spec
from ravine.checkpoints.run_folder import RunFolder
from ravine.recipe import Recipe
from ravine.runs.observing import Row
from ravine.training.console import Console
from ravine.traps import Facts, Trap, Watch, found

_PHOTO = 64  # pixels a side, from which on networks pretrained on photos are at home
_MIXING = {"mixup", "cutmix"}


def traps_of(folder: RunFolder) -> tuple[Trap, ...]:
    """The traps that a run's epochs so far show; none before its recipe is written."""
    return found(folder.read_rows("metrics.jsonl"), facts_of(folder)) if folder.recipe.is_file() else ()


def watcher(folder: RunFolder, rows: Iterable[Row], console: Console) -> Callable[[Row], None]:
    """A function that is given each new epoch's row, and warns of every trap once in the life of the run.

    Args:
        folder: with recipe.toml and data.json.
        rows: those of the epochs before, where the run is taken up again.
        console: what warns; what its log says already is not said again, though the epoch is trained again.
    """
    watch = Watch(facts_of(folder))
    for row in rows:
        watch.epoch(row)
    said = set(folder.log.read_text("utf-8", "surrogateescape").splitlines()) if folder.log.is_file() else set()

    def look(row: Row) -> None:
        for trap in watch.epoch(row):
            line = f"epoch {trap.epoch}: {trap}"
            if f"warning: {line}" not in said:
                console.warn(line)

    return look


def facts_of(folder: RunFolder) -> Facts:
    """The facts of a run, once its recipe.toml is written; data.json may be missing or an old one."""
    recipe = Recipe.read(folder.recipe)
    looked = folder.read_json("data.json") or {}
    counts: dict[str, dict[str, int]] = looked.get("splits") or looked.get("counts") or {}
    n = {name: sum(by_class.values()) for name, by_class in counts.items()}
    where = (folder.read_json("request.json") or {}).get("data", "")
    shape = (looked.get("prepared") or [[1, 1, 1]])[0]
    return Facts(
        classes=len(looked.get("classes") or ()) or 2,
        counts=counts.get("train", {}),
        val=n.get("val", 0),
        test=n.get("test", 0),
        epochs=int(recipe.epochs),
        steps=math.ceil(n.get("train", 0) / int(recipe.batch)),
        lr=float(recipe.lr),
        recipe={field.name: str(getattr(recipe, field.name)) for field in fields(recipe)},
        data=where if where == "digits" or "/" in where else "DATA",
        copies=_copies(looked, recipe),
        softened=_softened(recipe),
        images=len(shape) == 3,
        photos=len(shape) == 3 and shape[0] == 3 and min(shape[1:]) >= _PHOTO,
        sweep=bool(recipe.sweep),
    )


def _copies(looked: dict[str, Any], recipe: Recipe) -> dict[str, int]:
    """Equal images on both sides: between splits, and in the training images where validation was cut from them.

    Folds never part equal images, and take those of val/ as well.
    """
    found, given_val = {}, "val" in (looked.get("counts") or {})
    for copies in looked.get("copies") or ():
        where = copies["where"]
        across = copies["kind"] == "leak" and (where.endswith(" test") or not recipe.folds)
        cut = copies["kind"] == "duplicates" and where == "train" and not given_val and not recipe.folds
        if across or cut:
            found[where] = copies["images"]
    return found


def _softened(recipe: Recipe) -> bool:
    """Whether the targets are others than the labels."""
    mixed = {piece.name for piece in spec.parse_list(recipe.augment, flag="--augment")} & _MIXING
    return bool(mixed) or "label_smoothing" in recipe.regularize or recipe.teacher != "none"
