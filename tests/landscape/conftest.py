"""Scenes of all surfaces with the rules of the lecture."""

import pytest

from ravine.cli.landscape import entrants
from ravine.landscape import SURFACES, race

RULES = "sgd, momentum, momentum(nesterov=true), adagrad, rmsprop, adam"


@pytest.fixture(scope="session")
def scenes():
    """By key."""
    rules = entrants(RULES)
    return {surface.key: race(surface, rules) for surface in SURFACES}
