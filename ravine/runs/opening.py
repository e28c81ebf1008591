"""Data for a recipe: where it starts from pretrained weights, images are brought to what those are used to."""

import os
from pathlib import Path
from typing import Any

from ravine import data
from ravine.checkpoints.run_folder import RunFolder
from ravine.errors import DataError, UsageError
from ravine.pretrained import Start, data_for, read_start, start_from
from ravine.recipe import Recipe
from ravine.training.console import Console


def named(weights: Any) -> str:
    """Pretrained weights as a recipe names them: of a `Run` its folder.

    Raises:
        UsageError: neither a path nor a text nor a run.
    """
    weights = getattr(weights, "path", weights)
    if not isinstance(weights, str | os.PathLike):
        expected = "a run, a weights file, timm:NAME or hf-hub:NAME"
        raise UsageError(f"a {type(weights).__name__} is no pretrained network", where="weights", expected=expected)
    return os.fspath(weights)


def start_of(recipe: Recipe, folder: RunFolder | None = None) -> Start | None:
    """The pretrained weights of a recipe: those that a run has kept, else those at the source that it names.

    Raises:
        DataError, UsageError: as of `start_from`.
    """
    if recipe.pretrained == "none":
        return None
    if folder and folder.pretrained.is_file():
        return read_start(folder.pretrained)
    return start_from(recipe.pretrained, model=recipe.model, normalize=recipe.normalize)


def start_or_copy(recipe: Recipe, out: Path, data: str | None, console: Console) -> Start | None:
    """`start_of`; where the source is gone, the copy in that run among `out` which the same command has begun.

    Args:
        recipe: as asked for.
        out: folder of all runs.
        data: where the data lies; None for arrays, which are not compared.
        console: told where the copy was taken.

    Raises:
        DataError, UsageError: as of `start_of`.
    """
    try:
        return start_of(recipe)
    except DataError:
        if os.path.exists(recipe.pretrained):
            raise
        same = {"recipe": recipe.to_toml(), **({"data": data} if data else {})}
        for path in sorted(out.iterdir()) if out.is_dir() else ():
            folder = RunFolder(path)
            if folder.pretrained.is_file() and same.items() <= (folder.read_json("request.json") or {}).items():
                console.say(f"{recipe.pretrained} cannot be read any more: {folder.path} has kept a copy")
                return read_start(folder.pretrained)
        raise


def opened(
    source: Any,
    recipe: Recipe,
    start: Start | None,
    *,
    cache: str | os.PathLike[str] | None = None,
    console: Console | None = None,
    size: data.Size | None = None,
) -> data.Dataset:
    """The data set of a recipe, not yet cut.

    Images are brought to `size`, else to the recipe's, else to that which the pretrained weights were trained on, else
    to what suits them; with as many channels as the weights take.

    Raises:
        DataError: as of `data.load`, or data of another kind than the weights take.
    """
    progress = console.decoding if console else None
    options = {"size": size or recipe.size, "max_bad": recipe.max_bad, "cache": cache, "progress": progress}
    if start is None:
        return data.load(source, **options)
    return data_for(start, source, **options)
