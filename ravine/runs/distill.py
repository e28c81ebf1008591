"""Distillation: one student is trained on what an ensemble (or any trained network) says.

run = ravine.distill("runs/five", into="convnet", epochs=30)
run.best.predict("new.jpg")
"""

import os
from collections.abc import Callable, Collection, Iterable
from pathlib import Path
from typing import Any

from ravine import spec
from ravine.ensembles.distillation import check_alpha, check_temperature
from ravine.errors import UsageError
from ravine.loading import load, weights_path
from ravine.models import MODELS
from ravine.prediction import Predictor
from ravine.pretrained import CUT
from ravine.recipe import Recipe
from ravine.runs import teaching
from ravine.runs.observing import Observer, Row
from ravine.runs.run import Run
from ravine.runs.running import source_of, train
from ravine.training.console import Console


def distill(
    teacher: str | os.PathLike[str],
    source: Any = None,
    *,
    into: str = "auto",
    temperature: float = 2.0,
    alpha: float = 0.9,
    use: str = "best",
    name: str | None = None,
    recipe: Recipe | None = None,
    out: str | os.PathLike[str] = "runs",
    fresh: bool = False,
    device: str = "auto",
    cache: str | os.PathLike[str] | None = None,
    quiet: bool = False,
    observers: Iterable[Observer | Callable[[Row], None]] = (),
    **settings: Any,
) -> Run:
    """Trains one student on the teacher's averaged probabilities; what comes out is a run like any other.

    The teacher sees each batch as the student does, augmented alike. Where neither `settings` names them nor the recipe
    has another value than its default, size, --val, --test, folds and the seed are the teacher's, so that both have the
    same images held out (of a k-fold ensemble those of fold 0); students that differ have another `first_member`. The
    same call again goes on with an interrupted run.

    Args:
        teacher: a run's folder or a weights file, of one network or several.
        source: the data; None for that of the teacher's run.
        into: the student's model, "convnet(width=16)".
        temperature, alpha: see `ravine.ensembles.distillation_loss`.
        use: which weights of a teacher's run, "best" or "last".
        name: of the run's folder; the teacher's with "-distilled" where None.
        recipe, out, fresh, device, cache, quiet, observers, settings: as of `ravine.train`.

    Raises:
        UsageError: a setting. DataError: no teacher, or one of other classes or inputs. And as `ravine.train`.
    """
    asked, given = (recipe or Recipe()).changed(**settings), settings.keys()
    if asked.model != "auto" and into != "auto":
        raise UsageError(f"{into} and --model {asked.model}", where="--into", expected="the student's model, once")
    _check(into, temperature, alpha)
    file = weights_path(teacher, use).resolve()
    lesson = teaching.Teacher(str(file), float(temperature), float(alpha))
    asked = asked.changed(teacher=str(lesson), model=asked.model if into == "auto" else into)
    teaching.check(asked)
    asked, said = _as_the_teacher(asked, given, load(file))
    Console(quiet=quiet).say(said)
    source = _source(Path(teacher)) if source is None else source
    base = name or f"{_named(Path(teacher))}-distilled"
    settled = {"name": base, "recipe": asked, "observers": observers}
    run = train(source, out=out, fresh=fresh, device=device, cache=cache, quiet=quiet, **settled)
    lesson_of(run)  # a finished run's teacher, too, has to be the one that it learned from
    return run


def lesson_of(run: Run) -> tuple[teaching.Teacher, Predictor]:
    """A run's teacher: how it taught, and the network. Raises UsageError without one, DataError where it is gone."""
    found = teaching.of(run.recipe)
    if found is None:
        raise UsageError("was trained without a teacher", where=str(run.path), expected="a run of ravine distill")
    return found, teaching.load_teacher(found)


def _check(into: str, temperature: float, alpha: float) -> None:
    """Raises UsageError, by the flags' own names, for a student or a lesson that cannot be."""
    if into != "auto":
        spec.bind(spec.parse(into, flag="--into"), MODELS, flag="--into", given={"in_shape": (), "classes": 0})
    for flag, check, value in (("temperature", check_temperature, temperature), ("alpha", check_alpha, alpha)):
        try:
            check(value)
        except UsageError as error:
            raise UsageError(error.what, where=f"--{flag} {value}", expected=error.expected) from None


def _as_the_teacher(asked: Recipe, given: Collection[str], teacher: Predictor) -> tuple[Recipe, str]:
    """The recipe with size and split of the teacher where nothing else was asked for, and a sentence about that."""
    part = teacher.parts[0]
    theirs = Recipe.from_toml(part.about["recipe"], teacher.name)
    free = {name for name in (*CUT, "size") if name not in given and getattr(asked, name) == getattr(Recipe, name)}
    if "folds" not in free or theirs.folds and "val" not in free:
        free -= {"folds", "fold"}  # which belong together, and leave no other validation
    taken = {name: getattr(theirs, name) for name in CUT if name in free}
    if asked.folds or taken.get("folds"):
        taken.pop("val", None)
    if part.preprocessing and "size" in free and theirs.size != "auto":
        taken["size"] = theirs.size
    asked = asked.changed(**taken)
    members = sum(len(one.population.members) for one in teacher.parts)
    teachers = "one network" if members == 1 else f"{members} networks"
    val = f"val {asked.val:.3g}" if asked.val != "auto" else "val auto"
    val = f"fold {asked.fold} of {asked.folds}" if asked.folds else val
    alike = all(getattr(asked, name) == getattr(theirs, name) for name in CUT if name != "val" or not asked.folds)
    held = "held out as by the teacher" if alike else "held out, not as by the teacher"
    return asked, f"{teachers} to learn from; {held}: {val}, test {asked.test:g}, seed {asked.seed}"


def _source(teacher: Path) -> str:
    if not teacher.is_dir():
        cure = "Name it: ravine distill WEIGHTS DATA --into MODEL"
        raise UsageError("a weights file does not say where its data is", where=str(teacher), cure=cure)
    try:
        return source_of(Run(teacher))
    except UsageError as error:
        cure = "Give the arrays again: ravine distill TEACHER FILE.npz, or in Python source=(x, y)"
        raise UsageError(error.what, where=error.where, cure=cure) from None


def _named(teacher: Path) -> str:
    """The name of a run's folder, also of weights inside it; else the file's."""
    resolved = teacher.resolve()
    return resolved.parent.parent.name if resolved.parent.name == "weights" else resolved.stem
