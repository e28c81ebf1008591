"""Which images none of several trained networks was trained on: the only ones on which they can be judged together.

Where data brings no val/ or test/, each training cuts its own by its seed, and one's validation image is another's
training image.
"""

from collections.abc import Sequence
from dataclasses import replace

from ravine.errors import DataError
from ravine.recipe import Recipe
from ravine.runs.defaults import with_held_out
from ravine.seen import Seen
from ravine.trained import Trained


def unseen(parts: Sequence[Trained], dataset: Seen) -> tuple[Seen, list[str]]:
    """The data set with those of its splits "val", "test" and "train" that are what their names say for all networks.

    Args:
        parts: the networks of an ensemble.
        dataset: as the ensemble opened it: without the splits that trainings cut off.

    Returns:
        The data set, and sentences about what is left out or cannot be known.

    Raises:
        DataError: nothing is left to judge on.
    """
    own = [part for part in parts if part.about.get("fingerprint") == dataset.fingerprint]
    others = sorted({part.name for part in parts if part not in own})
    if not own:
        return _foreign(dataset)
    said = [f"{name} was trained on other data, so it may have seen these images" for name in others]
    recipes = [Recipe.from_toml(part.about["recipe"], part.name) for part in own]
    tests = {(recipe.test, recipe.seed if recipe.test else 0) for recipe in recipes}
    vals = {(recipe.val, recipe.seed, recipe.test, recipe.folds, recipe.fold) for recipe in recipes}
    brought = dataset.splits.keys() - ({"val"} if any(recipe.folds for recipe in recipes) else set())  # joins the folds
    usable = [name for name, cuts in (("test", tests), ("val", vals)) if name in brought or len(cuts) == 1]
    seen, first = list(dataset.seen), recipes[0]
    if "test" in usable:
        seen = [with_held_out(one, first)[0] for one in seen]
    left = [name for name in usable if name in seen[0].splits]
    if not left:
        what = "validation and test images of one network were training images of another"
        cure = "Give --data with images of their own, or train them with one --seed, --val and --test"
        raise DataError(what, where=dataset.name, cure=cure)
    if len(usable) == 2:
        return Seen.of(seen), said
    lost = "test" if usable == ["val"] else "validation"
    said.append(
        f"the networks were trained with other seeds, shares or folds, so {lost} images of one were training images of "
        f"another: only {left[0]} is used"
    )
    return Seen.of([replace(one, splits={name: one.splits[name] for name in left}) for one in seen]), said


def _foreign(dataset: Seen) -> tuple[Seen, list[str]]:
    """Data that no network was trained on, as far as can be known: it is scored as `ravine evaluate` does."""
    split, words = dataset.scored_split()
    names = {"test": split, **({"val": "val"} if "val" in dataset.splits and split == "test" else {})}
    seen = [replace(one, splits={name: one.splits[of] for name, of in names.items()}) for one in dataset.seen]
    said = f"not the data that they were trained on, as far as can be known; scored on {words}"
    return Seen.of(seen), [said]
