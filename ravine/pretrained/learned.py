"""What weights were trained on: whoever begins with them has learned those images, too.

A weights file of ravine's says on which data it was trained and how that was cut, and the same of the weights that its
training began with, over all generations. Of files of others' making nothing is known.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ravine.errors import DataError
from ravine.recipe import Recipe

# the settings of a recipe that say which images of a data set are trained on
CUT = ("val", "test", "folds", "fold", "seed")


@dataclass(frozen=True)
class Learned:
    """A data set that was trained on, and how it was cut.

    Attributes:
        fingerprint: of the data, as of `Dataset`.
        val, test, folds, fold, seed: as of `Recipe`; of the val that folds give nothing is asked.
    """

    fingerprint: str
    val: float
    test: float
    folds: int
    fold: int
    seed: int

    @property
    def cut(self) -> dict[str, Any]:
        """The settings of a recipe that cuts the same images off."""
        settings = {name: getattr(self, name) for name in CUT}
        return settings | ({"val": "auto"} if self.folds else {})


def learned_by(about: Mapping[str, Any], where: str) -> tuple[Learned, ...]:
    """What a network of ravine's learned, the latest first; `about` is what its weights file says of itself.

    Raises:
        DataError: the file says it in no way that can be read.
    """
    found = []
    if about.get("fingerprint") and about.get("recipe"):
        recipe = Recipe.from_toml(about["recipe"], where)
        found.append(Learned(about["fingerprint"], **{name: getattr(recipe, name) for name in CUT}))
    try:
        found += [Learned(**one) for one in about.get("ancestors", ())]
    except TypeError:
        cure = "Copy or write it again"
        raise DataError("does not say what its weights were trained on", where=where, cure=cure) from None
    return tuple(dict.fromkeys(found))
