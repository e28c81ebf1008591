"""Data that pretrained weights have learned before: it is cut as it was then, so that what judges stays unseen.

Where that cannot be, or another cut is asked for, it is counted how many of the images that judge were learned.
"""

from collections.abc import Sequence
from dataclasses import replace

from ravine import data
from ravine.data.findings import Finding
from ravine.errors import DataError
from ravine.pretrained import CUT, Learned, Start
from ravine.recipe import Recipe
from ravine.runs.defaults import with_held_out

_JUDGES = {"val": "validation", "test": "test"}


def apart(dataset: data.Dataset, asked: Recipe, start: Start) -> tuple[data.Dataset, Recipe, Start]:
    """Keeps what a training from pretrained weights is judged on apart from what the weights have learned.

    Where the recipe says nothing of the cut (`CUT`), it becomes that of the weights' own training on this data.

    Args:
        dataset: not yet cut.
        asked: the recipe of the training.
        start: its pretrained weights.

    Returns:
        The data set, with a warning (code "learned") where images that judge were learned all the same; the recipe; and
        the weights, among whose sentences there is one about the cut.
    """
    then = start.learned_on(dataset.fingerprint)
    if not then:
        return dataset, asked, start
    as_then = asked.changed(**then[0].cut)
    named = any(getattr(asked, name) != getattr(Recipe, name) for name in CUT)
    recipe = asked if named or not known_judges(dataset, asked, then) else as_then
    known = known_judges(dataset, recipe, then)
    if not known:
        said = f"{start.source} has learned images of this data, but none of those that judge: {_cut(recipe, dataset)}"
        return dataset, recipe, replace(start, said=(*start.said, said))
    cure = ""
    if named and not known_judges(dataset, as_then, then):
        cure = ". Without --val, --test, --seed and --folds the data is cut as it was then"
    findings = dataset.findings
    finding = Finding("learned", f"{flattering(start.source, known)}{cure}")
    told = replace(findings, warnings=(*findings.warnings, finding))
    return replace(dataset, findings=told), recipe, start


def refuse_folds(dataset: data.Dataset, start: Start | None) -> None:
    """Raises DataError where weights have learned this data: the folds that judge them would not be unseen."""
    if start and start.learned_on(dataset.fingerprint):
        what = f"has learned images of {dataset.name}, and in folds each image judges once"
        cure = "Take weights of other data; or ravine finetune, which cuts this data as it was cut then"
        raise DataError(what, where=start.source, expected="weights that have not seen the images", cure=cure)


def known_judges(dataset: data.Dataset, recipe: Recipe, then: Sequence[Learned]) -> dict[str, tuple[int, int]]:
    """How many images of "val" and "test", as a recipe cuts them, were learned, and of how many; none is left out.

    Args:
        dataset: not yet cut.
        recipe: how it will be cut.
        then: how it was cut for each training before.
    """
    numbered = _numbered(dataset)
    cuts = [with_held_out(numbered, one)[0].splits for one in (recipe, *(Recipe(**one.cut) for one in then))]
    learned = {name for splits in cuts[1:] for name in splits["train"].names}
    judges = {name: cuts[0][name].names for name in _JUDGES if name in cuts[0]}
    found = {name: (len(learned.intersection(names)), len(names)) for name, names in judges.items()}
    return {name: counts for name, counts in found.items() if counts[0]}


def flattering(source: str, known: dict[str, tuple[int, int]]) -> str:
    """That weights have learned what judges them, with the numbers of `known_judges`."""
    counts = " and ".join(f"{n:,} of the {every:,} {_JUDGES[name]} images" for name, (n, every) in known.items())
    return f"{source} has learned {counts}: accuracy on them flatters"


def _cut(recipe: Recipe, dataset: data.Dataset) -> str:
    """`cut as it was then (val 0.2, test 0, seed 3)`, as far as the data leaves anything to cut."""
    if recipe.folds:
        return f"fold {recipe.fold} of {recipe.folds}, seed {recipe.seed}, is held out as it was then"
    if {"val", "test"} <= dataset.splits.keys():
        return "it brings its own validation and test images"
    return f"it is cut as it was then (val {recipe.val}, test {recipe.test:g}, seed {recipe.seed})"


def _numbered(dataset: data.Dataset) -> data.Dataset:
    """The data set with a name of its own for each image: paths are, positions in the arrays of splits are not."""
    named = {
        name: replace(split, names=[f"{name} {i}" for i in range(len(split))]) for name, split in dataset.splits.items()
    }
    return replace(dataset, splits=named)
