"""Pretrained weights that the tests of fine-tuning share."""

import pytest
from tuned_trainings import SMALL, digits

import ravine


@pytest.fixture(scope="session")
def pretrained(tmp_path_factory):
    """Weights of a network that knows 0 to 4, by model."""
    made = {}

    def of(model, **settings):
        key = model, *settings.items()
        if key not in made:
            out = tmp_path_factory.mktemp("pretrained")
            run = ravine.train(digits([0, 1, 2, 3, 4]), out=out, model=model, augment="none", **{**SMALL, **settings})
            made[key] = run.path
        return made[key]

    return of
