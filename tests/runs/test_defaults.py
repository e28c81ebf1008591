import numpy as np
import pytest
import torch

from ravine import data
from ravine.errors import UsageError
from ravine.optimization import RULES
from ravine.recipe import Recipe
from ravine.runs.defaults import resolve, with_held_out
from ravine.runs.feeding import augmentation

CPU = torch.device("cpu")


def resolved(x, **settings):
    dataset, recipe = with_held_out(data.load((x, np.arange(len(x)) % 3)), Recipe(**settings))
    return resolve(recipe, dataset, CPU)


@pytest.mark.parametrize(
    ("x", "model", "augment"),
    [
        (np.random.default_rng(0).integers(0, 255, (60, 32, 32, 3), np.uint8), "convnet", "flip, translate(2)"),
        (np.random.default_rng(0).integers(0, 255, (60, 8, 8), np.uint8), "convnet", "none"),
        (np.random.default_rng(0).normal(size=(60, 5)).astype(np.float32), "mlp", "none"),
    ],
)
def test_nothing_is_left_open_and_all_is_said(x, model, augment):
    recipe, said = resolved(x)
    assert (recipe.model, recipe.augment) == (model, augment)
    assert "auto" not in (recipe.changed(forward="direct", size=8)).to_toml()
    assert any(str(recipe.epochs) in line for line in said)


def test_what_was_asked_for_stays():
    x = np.random.default_rng(0).integers(0, 255, (60, 32, 32, 3), np.uint8)
    recipe, _ = resolved(x, model="mlp", optimizer="sgd(lr=0.3)", epochs=3, augment="none", batch=7, val=0.3)
    assert (recipe.model, recipe.epochs, recipe.augment, recipe.batch, recipe.val) == ("mlp", 3, "none", 7, 0.3)
    assert recipe.lr == 0.3


def test_the_rate_is_given_once():
    x = np.random.default_rng(0).normal(size=(60, 5)).astype(np.float32)
    assert resolved(x, optimizer="adam(5e-4)")[0].lr == 5e-4
    assert resolved(x, optimizer="momentum(rho=0.5)")[0].lr == 0.05
    assert resolved(x, optimizer="adam(lr=5e-4)", lr=5e-4)[0].lr == 5e-4
    with pytest.raises(UsageError, match="one rate"):
        resolved(x, optimizer="adam(lr=5e-4)", lr=0.1)
    with pytest.raises(UsageError, match="--lr"):
        resolved(x, optimizer="adam(lr='fast')")


@pytest.mark.parametrize(("n", "share"), [(300, 0.2), (25_000, 0.2), (50_000, 0.1), (1_000_000, 0.02)])
def test_the_share_for_validation(n, share):
    x, y = np.zeros((n, 1), np.float32), np.arange(n) % 2
    dataset, recipe = with_held_out(data.load((x, y)), Recipe())
    assert recipe.val == share
    assert len(dataset.splits["val"]) == pytest.approx(share * n, abs=2)


@pytest.mark.parametrize(
    ("settings", "share"),
    [({}, 0.05), ({"budget": "5m"}, 0.05), ({"budget": "none"}, 0.1), ({"epochs": 3}, 0.1), ({"val": 0.3}, 0.3)],
)
def test_under_a_budget_validation_takes_half_as_many_where_test_images_judge(settings, share):
    x, y = np.zeros((50_000, 1), np.float32), np.arange(50_000) % 2
    arrays = {"x": x, "y": y, "x_test": x[:100], "y_test": y[:100]}
    assert with_held_out(data.load(arrays), Recipe(**settings))[1].val == share


def test_augmentation_draws_are_distinct_by_member_epoch_and_image():
    numbers = augmentation(Recipe(augment="flip, translate(2)"), (3, 32, 32), 50)["numbers"]
    tables = torch.stack([numbers(member, epoch) for member in range(3) for epoch in range(4)])
    assert tables.shape == (12, 50, 3)
    assert len(tables.flatten(0, 1).unique(dim=0)) == 600
    assert torch.equal(numbers(1, 2), numbers(1, 2))


def test_augmentations_that_cannot_be_done_are_refused():
    with pytest.raises(UsageError, match="below 8"):
        augmentation(Recipe(augment="translate(8)"), (1, 8, 8), 5)
    with pytest.raises(UsageError, match="only images"):
        augmentation(Recipe(augment="flip"), (5,), 5)
    with pytest.raises(UsageError, match="Did you mean 'flip'"):
        augmentation(Recipe(augment="flipp"), (1, 8, 8), 5)


@pytest.mark.parametrize("name", RULES)
def test_every_rule_has_a_rate_for_every_network(name):
    images = np.random.default_rng(0).integers(0, 255, (60, 8, 8), np.uint8)
    for model in ("mlp", "convnet(width=8)", "resnet(width=16)"):
        assert resolved(images, optimizer=name, model=model)[0].lr > 0
