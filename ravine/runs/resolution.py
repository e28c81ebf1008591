"""The resolution of a training that has to be done by a time: photos as large as leaves enough epochs."""

from collections.abc import Callable

import torch

from ravine import models
from ravine.data import Side
from ravine.devices import cpu_threads
from ravine.recipe import Recipe
from ravine.runs.budget import seconds_for
from ravine.runs.planning import by_size, least_costs

SIDES = (96, 64, 48, 32)  # pixels; larger images keep their size where there is time
_SHARE = 0.8  # of the time is left to training steps


def side_fitting(recipe: Recipe, device: torch.device, say: Callable[[str], None]) -> Side | None:
    """What chooses the side of all images for a recipe's budget; None without one, or where the side is given.

    It is not chosen either for a model that was asked for, which may be made for one size.

    The narrowest network that would be taken is timed at the size which suits the images, and its cost taken to fall
    with the pixels. The largest side is chosen at which it sees every image often enough; a smaller one than suits the
    images is said.
    """
    given = recipe.size != "auto" or recipe.model != "auto" or recipe.pretrained != "none"
    if given or seconds_for(recipe, 1, 1) is None:
        return None

    def fitting(images: int, side: int) -> int:
        usual, enough, _ = by_size(images)
        batch = usual if recipe.batch == "auto" else int(recipe.batch)
        shape, seconds = (3, side, side), seconds_for(recipe, images, side * side)
        if seconds is None or side <= SIDES[-1] or models.suits_quicknet(shape):
            return side
        with cpu_threads(recipe.threads):
            costs = least_costs(recipe.changed(batch=batch), shape, device)
        epoch = recipe.members * images / batch * costs.step
        fits = [one for one in (side, *SIDES) if one <= side and enough * epoch * (one / side) ** 2 <= _SHARE * seconds]
        chosen = max(fits, default=SIDES[-1])
        if chosen < side:
            say(f"images are brought to {chosen} instead of {side} px, to be seen {enough} times; --size N for another")
        return chosen

    return fitting
