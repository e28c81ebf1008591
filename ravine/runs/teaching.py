"""A teacher whose answers are learned beside the labels: the recipe's `teacher`, which `ravine distill` sets.

The teacher sees each batch as the student does, augmented alike ("function matching"). What it is belongs to the
recipe: the weights file with its SHA-256, so that a training that is taken up again finds it, and no other.
"""

from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
from torch.nn import functional as F

from ravine import data, spec
from ravine.ensembles.distillation import check_alpha, check_temperature, teacher_losses
from ravine.errors import DataError, UsageError
from ravine.loading import load, sha256_of, weights_path
from ravine.prediction import Predictor
from ravine.recipe import Recipe
from ravine.training.feed import Normalization

_FLAG = "--teacher"
Criterion = Callable[[torch.Tensor, torch.Tensor], torch.Tensor]


@dataclass(frozen=True)
class Teacher:
    """Who teaches, and how.

    Args:
        path: a run's folder or a weights file.
        temperature, alpha: see `ravine.ensembles.distillation_loss`.
        sha256: of the weights file; empty before a training has begun.
    """

    path: str
    temperature: float = 2.0
    alpha: float = 0.9
    sha256: str = ""

    def __str__(self) -> str:
        return str(spec.Spec("teacher", settings=asdict(self)))


def of(recipe: Recipe) -> Teacher | None:
    """The recipe's teacher, if it has one. Raises UsageError for what cannot be read, or a setting out of range."""
    try:
        asked = spec.parse_list(recipe.teacher, flag=_FLAG)
    except UsageError as error:
        example = 'teacher("runs/five", temperature=2, alpha=0.9)'
        raise UsageError(error.what, where=error.where, expected=example) from None
    if len(asked) > 1:
        cure = "Join several with ravine ensemble"
        raise UsageError(f"{len(asked)} teachers", where=f"{_FLAG} {recipe.teacher!r}", expected="one", cure=cure)
    if not asked:
        return None
    found: Teacher = spec.build(asked[0], {"teacher": Teacher}, flag=_FLAG)
    with spec.blaming(asked[0], _FLAG):
        check_temperature(found.temperature)
        check_alpha(found.alpha)
        if not isinstance(found.path, str) or not isinstance(found.sha256, str):
            raise UsageError(f"path cannot be {found.path!r}", where=_FLAG, expected="a path, in quotes")
    return found


def check(recipe: Recipe) -> None:
    """Raises UsageError for a teacher that cannot be read, DataError where there is none at its path."""
    if found := of(recipe):
        weights_path(found.path)


def pinned(recipe: Recipe) -> str:
    """The recipe's `teacher` with the weights file's whole path and its SHA-256."""
    found = of(recipe)
    if found is None:
        return recipe.teacher
    file = weights_path(found.path).resolve()
    return str(Teacher(str(file), found.temperature, found.alpha, found.sha256 or sha256_of(file)))


def load_teacher(teacher: Teacher, device: torch.device | str = "cpu") -> Predictor:
    """The trained network. Raises DataError where it is gone, or is not the one that the training began with."""
    if not Path(teacher.path).exists():
        cure = "Put it back where it was, or start anew with --fresh"
        raise DataError("the teacher is no longer there", where=teacher.path, cure=cure)
    file = weights_path(teacher.path)
    if teacher.sha256 and sha256_of(file) != teacher.sha256:
        cure = "Put back the file that it began with, or start anew with --fresh"
        raise DataError("the teacher has changed since this training began", where=str(file), cure=cure)
    return load(file, device=str(device))


def lessons(
    recipe: Recipe, dataset: data.Dataset, normalize: Normalization, device: torch.device
) -> Callable[[torch.Tensor, torch.Tensor], torch.Tensor] | None:
    """A function from inputs `[K, B, ...]` and labels to targets `[K, B, 2, classes]`: the labels', the teacher's.

    Args:
        recipe: None is returned where it has no teacher.
        dataset: its classes give the order of the targets.
        normalize: what the inputs have been brought to.
        device: where the inputs are.

    Raises:
        DataError: no such teacher, or one of other classes or inputs.
    """
    found = of(recipe)
    if found is None:
        return None
    teacher = load_teacher(found, device)
    _refuse_unlike(teacher, dataset)
    order = torch.tensor([teacher.classes.index(name) for name in dataset.classes], device=device)

    def teach(x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        seen = x[:1] if x.stride(0) == 0 else x  # a batch that all students share is looked at once
        said = _says(teacher, seen.flatten(0, 1), normalize)[:, order].unflatten(0, seen.shape[:2])
        labels = F.one_hot(y, len(order)) if y.dim() == 2 else y
        return torch.stack([labels.to(said.dtype), said.expand(len(x), -1, -1)], dim=2)

    return teach


def criterion(recipe: Recipe, of_labels: Criterion) -> Criterion:
    """The loss of logits `[K, B, classes]` and what `lessons` gives, `[K]`; `of_labels` itself without a teacher.

    alpha T^2 KL(teacher_T || student_T) + (1 - alpha) of_labels
    """
    found = of(recipe)
    if found is None:
        return of_labels

    def loss(logits: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        soft = teacher_losses(logits, targets[:, :, 1], found.temperature).mean(1)
        return found.alpha * soft + (1 - found.alpha) * of_labels(logits, targets[:, :, 0])

    return loss


@torch.no_grad()
def _says(teacher: Predictor, x: torch.Tensor, normalize: Normalization) -> torch.Tensor:
    """The averaged probabilities `[B, classes]` of inputs `[B, ...]` as the student sees them."""
    said, total, member = torch.zeros(()), 0.0, 0
    shape = (1, -1, *[1] * (x.dim() - 2))
    mean, std = (x.new_tensor(values).view(shape) for values in (normalize.mean, normalize.std))
    for part in teacher.parts:
        own = x if part.normalize == normalize else part.normalize(x * std + mean)
        columns = [part.classes.index(name) for name in teacher.classes]
        for network in part.population.members:
            weight = 1.0 if teacher.weights is None else float(teacher.weights[member])
            said = weight * network(own).float().softmax(1)[:, columns] + said.to(x.device)
            total, member = total + weight, member + 1
    return said / total


def _refuse_unlike(teacher: Predictor, dataset: data.Dataset) -> None:
    if set(teacher.classes) != set(dataset.classes):
        other = sorted(set(teacher.classes) ^ set(dataset.classes))
        expected = "a teacher of the same classes"
        raise DataError(
            f"classes that only one of both knows: {', '.join(other)}", where=teacher.name, expected=expected
        )
    shape = tuple(dataset.splits["train"].shape)
    for part in teacher.parts:
        if tuple(part.in_shape) != shape or (part.preprocessing is None) != (dataset.preprocessing is None):
            expected = f"{shape}, as the student sees them"
            cure = "Train both at the same --size"
            raise DataError(f"sees inputs {part.in_shape}", where=teacher.name, expected=expected, cure=cure)
