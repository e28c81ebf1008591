"""A trained network with the dropout that it was trained with: a weights file holds weights only."""

import copy

from torch import nn

from ravine.ensembles.dropout_masks import dropout_modules
from ravine.recipe import Recipe
from ravine.runs.regularizing import put_into
from ravine.trained import Trained


def noisy_members(trained: Trained) -> list[nn.Module]:
    """Copies of the members in eval mode, with what drew in their training put in again, as their recipe says."""
    recipe = Recipe.from_toml(trained.about.get("recipe", ""), trained.name)
    members = [copy.deepcopy(member) for member in trained.population.members]
    for member in members:
        put_into(member, recipe)
        member.eval()
    return members


def has_dropout(members: list[nn.Module]) -> bool:
    """Whether anything in them draws."""
    return bool(dropout_modules(members[0]))
