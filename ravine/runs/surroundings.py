"""The landscape that a run crossed: the loss around its trained weights, as a scene with its path."""

from collections.abc import Callable

import torch
from torch import nn
from torch.nn import functional as F

from ravine import data, spec
from ravine.errors import UsageError, did_you_mean
from ravine.landscape.plane import Plane, along_path, around, at_random, losses
from ravine.landscape.scene import Racer, Scene, formula
from ravine.loading import load
from ravine.optimization import RULES
from ravine.runs import path
from ravine.runs.defaults import with_held_out
from ravine.runs.run import Run
from ravine.trained import Trained
from ravine.training.console import Console

DIRECTIONS = ("path", "random")
_RANDOM_REACH = 1.0  # of filter-normalised directions: from no filter left to each doubled


def surroundings(
    run: Run,
    dataset: data.Dataset,
    *,
    directions: str = "path",
    points: int = 25,
    images: int = 512,
    device: str = "auto",
    console: Console | None = None,
) -> Scene:
    """The loss on a plane through the last trained weights of the run's first member.

    The loss is the cross entropy on training images without augmentation; batch norm takes its statistics from these
    very images, since those that were stored belong to one point of the plane only.

    Args:
        run: a run that has saved.
        dataset: its data, as it was loaded for the training (validation is cut again in the same way).
        directions: "path", the two main directions of its training, or "random", filter by filter as long as the
            weights.
        points: along each side, 5 to 201; the cost grows with the square.
        images: how many the loss is taken over, 2 or more.
        device: where to compute.
        console: told how far it is.

    Raises:
        DataError: no weights yet, or too few along the way. UsageError: a setting.
    """
    if directions not in DIRECTIONS:
        raise UsageError(f"no {directions!r}", where="--directions", cure=did_you_mean(directions, DIRECTIONS))
    for name, value, low, high in (("points", points, 5, 201), ("images", images, 2, 10**7)):
        if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
            expected = f"a whole number from {low} to {high:,}"
            raise UsageError(f"cannot be {value!r}", where=f"--{name}", expected=expected)
    which = "raw" if run.folder.raw_weights.is_file() else "last"
    trained = load(run.folder.raw_weights if which == "raw" else run.path, use="last", device=device)
    center = trained.population.weights[0].clone()
    held_out, _ = with_held_out(dataset, run.recipe)
    loss = _loss(trained, held_out.splits["train"], images)
    if directions == "path":
        epochs, kept = path.read(run.folder.weights_path)
        kept, last = kept.to(center.device), len(run.metrics)
        if epochs[-1] < last:  # stopped early
            epochs, kept = [*epochs, last], torch.cat([kept, center[None]])
        plane = along_path(kept, center)
        way, way_losses = plane.coordinates(kept).cpu(), torch.tensor([loss(row) for row in kept])
        spacing = (epochs[-1] - epochs[0]) / (len(epochs) - 1)
        window = around(way)
    else:
        plane = at_random(center, [(s.start, s.stop, tuple(s.shape)) for s in trained.population.layout])
        way, way_losses, spacing = torch.zeros(1, 2), torch.tensor([loss(center)]), 1.0
        window = (-_RANDOM_REACH, _RANDOM_REACH, -_RANDOM_REACH, _RANDOM_REACH)
    grid = losses(plane, window, points, loss, _ticker(console, points**2))
    return _scene(run, plane, window, grid, way, way_losses, spacing, images)


def _loss(trained: Trained, split: data.Split, images: int) -> Callable[[torch.Tensor], float]:
    """A function from weights `[P]` to the loss of the first member with them."""
    rows = torch.linspace(0, len(split) - 1, min(images, len(split))).long().numpy()
    x = trained.normalize(torch.from_numpy(split.take(rows)).to(trained.device))
    y = torch.from_numpy(split.y[rows]).to(trained.device)
    member = trained.population.members[0]
    for module in member.modules():
        if isinstance(module, nn.modules.batchnorm._BatchNorm):
            module.train()

    @torch.no_grad()
    def loss(weights: torch.Tensor) -> float:
        trained.population.weights[0].copy_(weights)
        return float(F.cross_entropy(member(x).float(), y))

    return loss


def _scene(
    run: Run,
    plane: Plane,
    window: tuple[float, float, float, float],
    grid: torch.Tensor,
    way: torch.Tensor,
    way_losses: torch.Tensor,
    spacing: float,
    images: int,
) -> Scene:
    recipe = run.recipe
    axes, sentences = (_words_of_path if len(way) > 1 else _words_of_basin)(plane, way_losses.tolist())
    text = formula(RULES[spec.parse(recipe.optimizer).name].__doc__)
    return Scene(
        key="run",
        title=f"{run.path.name}: {recipe.model} with {recipe.optimizer}",
        trap="",
        sentences=sentences,
        axes=axes,
        window=window,
        grid=grid,
        start=(float(way[0, 0]), float(way[0, 1])),
        minima=((0.0, 0.0),),
        racers=(Racer.alone(recipe.optimizer, text, way, way_losses, float(recipe.lr)),),
        time="epoch",
        spacing=spacing,
        note=f"Cross entropy on {images:,} training images without augmentation, batch norm over these very images. "
        "The path is dropped straight onto the plane: where it lies off it, its loss differs from the field's.",
    )


def _words_of_path(plane: Plane, way_losses: list[float]) -> tuple[tuple[str, str], str]:
    first, second = plane.share
    return (f"first direction, {first:.0%} of the way", f"second direction, {second:.0%} of the way"), (
        f"From the initial weights (loss {way_losses[0]:.3g}) to the last ones ({way_losses[-1]:.3g}), on the two "
        f"directions that hold {first + second:.0%} of the way. Close contours are steep, wide ones flat."
    )


def _words_of_basin(_: Plane, way_losses: list[float]) -> tuple[tuple[str, str], str]:
    return ("first random direction, filter lengths", "second random direction, filter lengths"), (
        f"The loss around the last weights ({way_losses[0]:.3g}); a step of 1 is as long as each filter. A wide basin "
        "is a flat minimum, which is what momentum, averaging and SAM look for."
    )


def _ticker(console: Console | None, total: int) -> Callable[[int], None]:
    return lambda done: console.measuring(done, total) if console else None
