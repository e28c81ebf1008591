"""Who fits a probe, who chooses its settings and who judges it: three sets of images that do not meet."""

from dataclasses import dataclass

from ravine import data
from ravine.checkpoints import weights_file
from ravine.errors import DataError
from ravine.loading import weights_path
from ravine.pretrained import is_foreign
from ravine.recipe import Recipe
from ravine.runs.defaults import with_held_out
from ravine.runs.feeding import refuse_too_little

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


def probe_parts(dataset: data.Dataset, asked: Recipe, weights: str, member: int) -> ProbeParts:
    """Cuts a data set as a training would, and sets images aside to choose by where validation has to judge.

    Data that the weights were trained on is cut as it was then, so that nothing judges that the network has learned.

    Args:
        dataset: as `opened` gave it, not yet cut.
        asked: its `val`, `test` and `seed` say how other data is cut.
        weights: where the network is from.
        member: of several, from 0.

    Raises:
        DataError: too few images.
    """
    notes = []
    own = trained_with(dataset, weights, member)
    if own:
        notes.append("the network was trained on the images that the probes are fitted on, not on those that judge")
    dataset, _ = with_held_out(dataset, own or asked)
    refuse_too_little(dataset)
    fit, val = dataset.splits["train"], dataset.splits["val"]
    if "test" in dataset.splits and len(dataset.splits["test"]):
        return ProbeParts(fit, val, dataset.splits["test"], "test", tuple(notes))
    if own:
        notes.append("validation, which judges here, also chose the network's best epoch: a little flattering")
    kept, aside = data.cut(fit.y, _CHOOSING, asked.seed, "probe split")
    if not len(aside):
        what = "no class has two training images, so none can be set aside to choose by"
        raise DataError(what, where=dataset.name, expected="at least two training images of a class")
    return ProbeParts(fit.part(kept), fit.part(aside), val, "val", tuple(notes))


def trained_with(dataset: data.Dataset, weights: str, member: int) -> Recipe | None:
    """The recipe by which a member of ravine's own weights was trained, if on this very data; else None."""
    if is_foreign(weights):
        return None
    about = weights_file.read_about(weights_path(weights))
    each = [part for part in about.get("parts", [about]) for _ in range(part["members"])]
    if each[member].get("fingerprint") != dataset.fingerprint:
        return None
    return Recipe.from_toml(each[member]["recipe"], weights)
