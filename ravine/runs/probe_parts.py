"""Who fits a probe, who chooses its settings and who judges it: three sets of images that do not meet."""

from collections.abc import Sequence
from dataclasses import dataclass

from ravine import data
from ravine.errors import DataError
from ravine.pretrained import Learned, Start
from ravine.recipe import Recipe
from ravine.runs.defaults import with_held_out
from ravine.runs.feeding import refuse_too_little
from ravine.runs.learned_before import flattering, known_judges

_CHOOSING = 0.2  # of the images that are fitted on, where the data gives none to choose by


@dataclass(frozen=True)
class ProbeParts:
    """The images.

    Attributes:
        fit, choose, judge: the three sets.
        judged_on: the split that judges, "test" or "val".
        notes: what one should know of them.
    """

    fit: data.Split
    choose: data.Split
    judge: data.Split
    judged_on: str
    notes: tuple[str, ...]

    @property
    def three(self) -> tuple[data.Split, data.Split, data.Split]:
        return self.fit, self.choose, self.judge


def probe_parts(dataset: data.Dataset, asked: Recipe, start: Start, member: int) -> ProbeParts:
    """Cuts a data set as a training would, and sets images aside to choose by where validation has to judge.

    Data that the weights have learned is cut as it was then, so that nothing judges that the network has learned.

    Args:
        dataset: as `opened` gave it, not yet cut.
        asked: its `val`, `test` and `seed` say how other data is cut.
        start: the weights.
        member: of several, from 0.

    Raises:
        DataError: too few images.
    """
    then = start.learned_on(dataset.fingerprint, member)
    recipe = asked.changed(**then[0].cut) if then else asked
    notes = _notes(dataset, recipe, start.source, then)
    dataset, _ = with_held_out(dataset, recipe)
    refuse_too_little(dataset)
    fit, val = dataset.splits["train"], dataset.splits["val"]
    if "test" in dataset.splits and len(dataset.splits["test"]):
        return ProbeParts(fit, val, dataset.splits["test"], "test", notes)
    if then:
        notes += ("validation, which judges here, also chose the network's best epoch: a little flattering",)
    kept, aside = data.cut(fit.y, _CHOOSING, asked.seed, "probe split")
    if not len(aside):
        what = "no class has two training images, so none can be set aside to choose by"
        raise DataError(what, where=dataset.name, expected="at least two training images of a class")
    return ProbeParts(fit.part(kept), fit.part(aside), val, "val", notes)


def _notes(dataset: data.Dataset, recipe: Recipe, source: str, then: Sequence[Learned]) -> tuple[str, ...]:
    """What the network has learned of the images that fit and judge."""
    if not then:
        return ()
    known = known_judges(dataset, recipe, then)
    if known:
        return (flattering(source, known),)
    return ("the network was trained on the images that the probes are fitted on, not on those that judge",)
