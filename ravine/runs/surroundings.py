"""The landscape that a run crossed: the loss around its trained weights, as a scene with its path."""

from collections.abc import Callable, Sequence
from dataclasses import replace

import torch
from torch import nn
from torch.nn import functional as F

from ravine import data, spec
from ravine.errors import DataError, UsageError, did_you_mean
from ravine.landscape.plane import Window, along_path, around, at_random, losses, wider
from ravine.landscape.scene import Racer, Scene, formula
from ravine.loading import load
from ravine.optimization import AVERAGES
from ravine.runs import descent, path
from ravine.runs.defaults import with_held_out
from ravine.runs.run import Run
from ravine.trained import Trained
from ravine.training.console import Console

DIRECTIONS = ("path", "random")
_RANDOM_REACH = 1.0  # of filter-normalised directions: from no filter left to each doubled
_COARSE = 9  # points a side, which tell at an eighth of the cost whether the window should be larger
Loss = Callable[[torch.Tensor], float]
Tick = Callable[[int], None]


def surroundings(
    run: Run,
    dataset: data.Dataset,
    *,
    directions: str = "path",
    points: int = 25,
    images: int = 512,
    seed: int = 0,
    device: str = "auto",
    console: Console | None = None,
) -> Scene:
    """The loss on a plane through the last weights of the run's first member.

    The loss is the cross entropy on training images without augmentation; batch norm takes its statistics from these
    very images, since those that were stored belong to one point of the plane only. On the plane of the path the
    window grows, once, towards the lowest loss where that lies on its frame.

    Args:
        run: a run that has saved.
        dataset: its data, as it was loaded for the training (validation is cut again in the same way).
        directions: "path", the two main directions of its training, or "random", filter by filter as long as the
            weights.
        points: along each side, 5 to 201; the cost grows with the square.
        images: how many the loss is taken over, 2 or more.
        seed: of random directions.
        device: where to compute.
        console: told how far it is.

    Raises:
        DataError: other data, no weights yet, or too few along the way. UsageError: a setting.
    """
    if directions not in DIRECTIONS:
        raise UsageError(f"no {directions!r}", where="--directions", cure=did_you_mean(directions, DIRECTIONS))
    for name, value, low, high in (("points", points, 5, 201), ("images", images, 2, 10**7)):
        if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
            expected = f"a whole number from {low} to {high:,}"
            raise UsageError(f"cannot be {value!r}", where=f"--{name}", expected=expected)
    trained = load(run.path, use="last", device=device)
    if not isinstance(trained, Trained):
        raise DataError("networks of several trainings", where=str(run.path), cure="Name the folder of one of them")
    if trained.about["fingerprint"] != dataset.fingerprint:
        cure = "Say where that is now: --data PLACE"
        raise DataError("this is not the data that the run trained on", where=dataset.name, cure=cure)
    held_out, _ = with_held_out(dataset, run.recipe)
    loss = _loss(trained, held_out.splits["train"], images)
    places = trained.about.get("places", [0])
    if directions == "path" and places[0]:
        what = f"member {places[0]} is the first that is kept, and the path is member 0's"
        raise DataError(what, where=str(run.path), cure="Use --directions random")
    tick = _ticker(console, points**2)
    if directions == "random":
        scene = _of_basin(run, trained, loss, points, seed, tick)
    else:
        scene = _of_path(run, trained, loss, points, tick)
    seen = min(images, len(held_out.splits["train"]))
    note = f"Cross entropy on {seen:,} training images without augmentation, batch norm over these very images."
    return replace(scene, note=f"{note} {scene.note}".strip())


def _loss(trained: Trained, split: data.Split, images: int) -> Loss:
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


def _of_path(run: Run, trained: Trained, loss: Loss, points: int, tick: Tick) -> Scene:
    """On the two main directions of the training, through the weights that it ended with."""
    kept, averaged = trained.population.weights[0].clone(), run.folder.raw_weights.is_file()
    end = load(run.folder.raw_weights).parts[0].population.weights[0].to(kept) if averaged else kept
    last = trained.about["epochs"][0]
    epochs, way = path.read(run.folder.weights_path, last)
    way = way.to(kept)
    if epochs[-1] < last:
        epochs, way = [*epochs, last], torch.cat([way, end[None]])
    plane, way_losses = along_path(way, end), [loss(weights) for weights in way]
    (first, second), marks = plane.share, plane.coordinates(way).cpu()
    racers = [_trained(run, trained, marks, way_losses)]
    sentences = (
        f"From the initial weights (loss {way_losses[0]:.3g}) to the last ones ({way_losses[-1]:.3g}), on the two "
        f"directions that hold {first + second:.0%} of the way. Close contours are steep, wide ones flat."
    )
    if averaged:
        racers.append(_average(run, plane.coordinates(kept[None]).cpu(), loss(kept), len(way)))
        sentences += f" The average of the weights, which is what is kept, has a loss of {loss(kept):.3g}."
    window = around(torch.cat([racer.paths[0, 0] for racer in racers]))
    window = wider(window, losses(plane, window, min(points, _COARSE), loss, lambda _: None))
    grid = losses(plane, window, points, loss, tick)
    axes = f"first direction, {first:.0%} of the way", f"second direction, {second:.0%} of the way"
    note = "What lies off the plane is dropped straight onto it: there its loss differs from the field's."
    return _scene(run, sentences, axes, window, grid, racers, tuple(epochs), note)


def _of_basin(run: Run, trained: Trained, loss: Loss, points: int, seed: int, tick: Tick) -> Scene:
    """On two random directions, around the weights that are kept: their average, where there is one."""
    center = trained.population.weights[0].clone()
    plane = at_random(center, [(s.start, s.stop, tuple(s.shape)) for s in trained.population.layout], seed)
    racers = [_trained(run, trained, torch.zeros(1, 2), [loss(center)])]
    what = "the average of the weights" if run.folder.raw_weights.is_file() else "the last weights"
    sentences = (
        f"The loss around {what} ({loss(center):.3g}), in the middle; a step of 1 is as long as each filter. A wide "
        "basin is a flat minimum, which is what momentum, averaging and SAM look for."
    )
    axes = "first random direction, filter lengths", "second random direction, filter lengths"
    window = (-_RANDOM_REACH, _RANDOM_REACH, -_RANDOM_REACH, _RANDOM_REACH)
    return _scene(run, sentences, axes, window, losses(plane, window, points, loss, tick), racers)


def _trained(run: Run, trained: Trained, way: torch.Tensor, way_losses: list[float]) -> Racer:
    stepper = descent.stepper(run.recipe, trained.population)
    text = formula(stepper.rule.__doc__, stepper.group)
    return Racer.alone(run.recipe.optimizer, text, way, torch.tensor(way_losses), float(run.recipe.lr))


def _average(run: Run, at: torch.Tensor, its_loss: float, times: int) -> Racer:
    """The average `[1, 2]` as a racer that stays where it is."""
    text = formula(AVERAGES[spec.parse(run.recipe.average).name].__doc__)
    return Racer.alone(f"average {run.recipe.average}", text, at.expand(times, 2), torch.full((times,), its_loss))


def _scene(
    run: Run,
    sentences: str,
    axes: tuple[str, str],
    window: Window,
    grid: torch.Tensor,
    racers: Sequence[Racer],
    times: tuple[float, ...] = (),
    note: str = "",
) -> Scene:
    x, y = racers[0].paths[0, 0, 0].tolist()
    title = f"{run.path.resolve().name}: {run.recipe.model} with {run.recipe.optimizer}"
    return Scene("run", title, "", sentences, axes, window, grid, (x, y), (), tuple(racers), "epoch", times, note=note)


def _ticker(console: Console | None, total: int) -> Tick:
    return lambda done: console.measuring(done, total) if console else None
