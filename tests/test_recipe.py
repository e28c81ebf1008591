import math
from dataclasses import fields

import pytest

from ravine.errors import DataError, UsageError
from ravine.recipe import Recipe


def test_toml_round_trip_of_every_field():
    changed = Recipe(
        model='resnet(depth=18, note="a\\"b")',
        optimizer="momentum(rho=0.95)",
        lr=1e-05,
        schedule="constant",
        epochs=7,
        budget="5m",
        plan="0:10, 5:8",
        batch=32,
        augment="flip",
        regularize="dropout(0.5), l2(5e-4)",
        clip="value(1.5)",
        average="ema(0.99)",
        sam=0.05,
        teacher='teacher("runs/five", alpha=0.5)',
        balance="sampler",
        focus="hard",
        pretrained="runs/old",
        normalize="imagenet",
        keep="first 3",
        freeze="stem",
        unfreeze_at=0.2,
        gradual=True,
        layer_decay=0.9,
        bn="stats",
        head="mlp",
        size=96,
        val=0.15,
        test=0.25,
        folds=10,
        fold=3,
        patience=3,
        snapshots=5,
        members=4,
        first_member=7,
        shared=True,
        sweep="lr=[0.1, 0.2]",
        forward="loop",
        precision="bfloat16",
        compile=True,
        threads=2,
        max_bad=0.5,
        seed=2**62,
    )
    assert all(getattr(changed, f.name) != f.default for f in fields(Recipe)), "every field is tried"
    for recipe in (Recipe(), changed):
        assert Recipe.from_toml(recipe.to_toml()) == recipe


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("lr", -1),
        ("lr", math.nan),
        ("lr", True),
        ("lr", "fast"),
        ("epochs", 0),
        ("epochs", 2.5),
        ("batch", 1),
        ("size", 4),
        ("val", 0),
        ("val", 1),
        ("test", "auto"),
        ("clip", 0),
        ("sam", -0.1),
        ("regularize", 0.5),
        ("average", 0.9),
        ("members", 0),
        ("patience", -1),
        ("seed", 1.5),
        ("balance", "maybe"),
        ("precision", "int8"),
        ("forward", "sideways"),
        ("model", 3),
        ("optimizer", None),
    ],
)
def test_bad_values_are_refused_by_name(name, value):
    with pytest.raises(UsageError, match=f"--{name}"):
        Recipe(**{name: value})


def test_a_lost_recipe_is_one_clear_line(tmp_path):
    with pytest.raises(DataError, match=r"recipe\.toml: cannot be read"):
        Recipe.read(tmp_path / "recipe.toml")
    (tmp_path / "recipe.toml").write_text(Recipe(epochs=3).to_toml())
    assert Recipe.read(tmp_path / "recipe.toml") == Recipe(epochs=3)


def test_unknown_fields_are_refused_with_a_suggestion():
    with pytest.raises(UsageError, match="Did you mean 'epochs'"):
        Recipe().changed(epoch=3)
    with pytest.raises(UsageError, match=r"recipe\.toml"):
        Recipe.from_toml("epochs = = 3", where="recipe.toml")
