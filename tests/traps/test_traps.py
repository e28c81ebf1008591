"""No alarm on healthy trainings, the right one on sick ones: real trainings of other days, and some made here."""

import inspect
import json
import shlex
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from sick_trainings import digits, network, own_loop, trained
from torch import nn

import ravine
from ravine import spec
from ravine.cli import check, finetune, lr_find, train
from ravine.cli.flags import parse
from ravine.errors import UsageError
from ravine.models import MODELS
from ravine.regularization import INSERTIONS
from ravine.runs.running import check as check_recipe
from ravine.traps import Facts, Watch, found, notes
from ravine.traps.capacity import WIDTHS

X, Y = digits()
REAL = json.loads((Path(__file__).parent / "real_runs.json").read_text())
WORDS = {"train": train.Options, "finetune": finetune.Options, "lr-find": lr_find.Options, "check": check.Options}


def real(group, name):
    kept = REAL[group][name]
    columns = kept["columns"]
    rows = [dict(zip(columns, values, strict=True)) for values in zip(*columns.values(), strict=True)]
    return rows, Facts(**kept["facts"])


def permuted():
    return trained(X, np.random.default_rng(0).permutation(Y), epochs=6)


def sixty_to_one():
    kept = np.concatenate([np.flatnonzero(np.isin(Y, [1, 2, 3, 4, 5, 6])), np.flatnonzero(Y == 8)[:18]])
    return trained(X[kept], (Y[kept] == 8).astype(int), val=0.5, epochs=4)


def forty_images():
    some = np.random.default_rng(0).permutation(len(X))[:400]
    return trained(X[some], Y[some], val=0.9, model="mlp(hidden=[512, 512])", epochs=30, schedule="constant")


SICK = {
    "sgd at 100 times its rate": ("rate too high", lambda: trained(X, Y, optimizer="sgd", lr=30.0, epochs=3)),
    "adam at 100 times its rate": ("rate too high", lambda: trained(X, Y, optimizer="adam", lr=0.3, epochs=3)),
    "adam at a 1000th of its rate": ("rate too low", lambda: trained(X, Y, optimizer="adam", lr=3e-6, epochs=4)),
    "momentum at a 1000th": ("rate too low", lambda: trained(X, Y, optimizer="momentum", lr=5e-5, epochs=4)),
    "random labels": ("no better than chance", permuted),
    "classes as 60 to 1": ("class imbalance", sixty_to_one),
    "40 images, large network": ("overfitting", forty_images),
    "one hidden unit": ("underfitting", lambda: trained(X, Y, model="mlp(hidden=[1])", epochs=10)),
    "rate lowered at once": ("plateau", lambda: trained(X, Y, epochs=10, schedule="step(at=[0.1], factor=1e-3)")),
    "biases that kill ReLUs": ("dead units", lambda: own_loop(network(2, nn.ReLU, bias=-10.0), [0.1] * 3)),
    "eight sigmoids": ("vanishing gradients", lambda: own_loop(network(8, nn.Sigmoid), [0.1] * 4)),
    "an outburst": ("exploding gradients", lambda: own_loop(network(4, nn.ReLU), [0.05] * 5, louder=[5])),
    "a rate beyond all bounds": ("divergence", lambda: own_loop(network(2, nn.ReLU), [0.1] * 4 + [1e30])),
    **{f"cifar: {name}": (name, lambda n=name: real("sick", f"cifar-{n.replace(' ', '-')}"))
       for name in ("rate too high", "rate too low", "overfitting")},
}  # fmt: skip


def parsed(remedy):
    """A remedy as the command line reads it: the options of its command."""
    words = shlex.split(remedy)
    if words[0] != "ravine":
        words = (
            ["ravine", "finetune", "W", "digits", *words]
            if {"--keep", "--freeze", "--unfreeze-at"} & set(words)
            else ["ravine", "train", "digits", *words]
        )
    return parse(WORDS[words[1]], words[2:], words[1])


def assert_holds(remedy):
    """It parses, and what it names can be built."""
    options = parsed(remedy)
    if isinstance(options, ravine.Recipe):
        recipe = replace(options) if type(options) is ravine.Recipe else lr_find.recipe_of(options)
        if recipe.pretrained == "none" and isinstance(options, train.Options | lr_find.Options):
            check_recipe(recipe)
        if recipe.model != "auto":
            piece = spec.parse(recipe.model, flag="--model")
            spec.bind(piece, MODELS, flag="--model", given={"in_shape": (3, 32, 32), "classes": 10})


@pytest.mark.parametrize("name", sorted(REAL["healthy"]))
def test_no_alarm_on_real_healthy_runs(name):
    assert found(*real("healthy", name)) == ()


@pytest.mark.parametrize(
    "rule", ["sgd", "momentum", "adagrad", "rmsprop", "adam", "adamw", "adamax", "nadam", "lion", "muon"]
)
def test_no_alarm_at_the_default_rates(rule):
    rows, facts = trained(X, Y, optimizer=rule, epochs=3)
    assert found(rows, facts) == ()
    assert rows[-1]["dead_units"] == 0


@pytest.mark.parametrize("healthy", [
    lambda: trained(X, Y, model="convnet(width=4)", epochs=2),
    lambda: trained(X, Y, members=3, forward="loop", epochs=3),
    lambda: trained(X, Y, epochs=1),
    lambda: trained(X[:60], Y[:60]),
    lambda: trained(X, Y, epochs=4, regularize="dropout(0.8)"),
    lambda: trained(X, Y, epochs=6, augment="translate(2), rotate(20), erase"),
    lambda: own_loop(network(2, nn.ReLU), [0.1] * 6),
    lambda: own_loop(network(4, nn.Tanh), [0.1] * 6),
    lambda: own_loop(network(1, nn.Sigmoid), [0.5] * 6),
])  # fmt: skip
def test_no_alarm_on_healthy_trainings(healthy):
    assert found(*healthy()) == ()


@pytest.mark.parametrize("case", SICK)
def test_a_sick_training_is_named_and_a_remedy_given(case):
    name, train_it = SICK[case]
    rows, facts = train_it()
    traps = found(rows, facts)
    assert name in [trap.name for trap in traps]
    assert len(traps) <= 2
    for trap in traps:
        assert 1 <= trap.epoch <= rows[-1]["epoch"]
        assert any(digit in trap.evidence for digit in "0123456789") or "no number" in trap.evidence
        assert_holds(trap.remedy)


def test_found_says_what_a_watch_said_epoch_by_epoch():
    """And it is a function of the rows so far: what was found stays, whatever comes after."""
    rows, facts = trained(X, Y, optimizer="sgd", lr=30.0, epochs=3)
    watch = Watch(facts)
    said = [watch.epoch(row) for row in rows]
    assert sum(said, ()) == watch.found == found(rows, facts)
    for i, traps in enumerate(said, 1):
        assert all(trap.epoch == i for trap in traps)
        assert found(rows[:i], facts) == sum(said[:i], ())


def flat(**columns):
    """Rows of given columns, `epoch` from 1."""
    rows = zip(*columns.values(), strict=True)
    return [{"epoch": i, **dict(zip(columns, values, strict=True))} for i, values in enumerate(rows, 1)]


LOSS = "train/loss"


@pytest.mark.parametrize(
    ("name", "columns", "facts"),
    [
        ("leak", {"val/accuracy": [0.9]}, {"counts": {"a": 50, "b": 50}, "val": 20, "copies": {"train and val": 2}}),
        ("leak", {"val/accuracy": [0.9]}, {"counts": {"a": 50, "b": 50}, "val": 20, "copies": {"train": 6}}),
        ("leak", {"val/accuracy": [0.9]}, {"test": 30, "copies": {"train and test": 3}}),
        ("divergence", {"frozen": [None, 1]}, {}),
        ("divergence", {LOSS: [2.0, 1.0, 2.25, 2.28]}, {}),
        ("exploding gradients", {"grad_norm": [1.0, 0.9, 30.0]}, {}),
        ("rate too high", {LOSS: [2.9, 3.0]}, {"steps": 60}),
        ("rate too high", {LOSS: [2.9, 3.6]}, {"steps": 5}),
        ("no better than chance", {"val/loss": [2.31] * 3, "val/accuracy": [0.1] * 3}, {}),
    ],
)
def test_rows_made_by_hand(name, columns, facts):
    traps = found(flat(**columns), Facts(**{"classes": 10, **facts}))
    assert [trap.name for trap in traps] == [name]
    assert_holds(traps[0].remedy)


@pytest.mark.parametrize(
    ("columns", "facts"),
    [
        ({"val/accuracy": [0.9]}, {"counts": {"a": 5000}, "val": 500, "copies": {"train and val": 4}}),
        ({LOSS: [2.0, 1.0, 2.25, 1.1]}, {}),  # one bad epoch
        ({LOSS: [2.7, 2.6, 1.0]}, {"steps": 10}),  # few steps from a random head
        ({"val/loss": [2.31, 2.2, 2.1], "val/accuracy": [0.1] * 3}, {}),  # the loss is the first to fall
        ({LOSS: [9.0, 8.8, 8.0]}, {"softened": True, "steps": 10}),  # a teacher's targets have another scale
        ({LOSS: [1.0, 30.0, 40.0]}, {"sweep": True}),  # the mean of unlike members
        ({"grad_norm": [1.0, 0.9, 30.0]}, {"recipe": {"clip": "1.0"}}),
        ({"grad_norm": [0.001, 0.001, 0.5]}, {}),
        ({"dead_units": [0.4, 0.4, 0.4]}, {}),
        (  # four validation images, one of them taken for another
            {LOSS: [1.0, 0.5, 0.3, 0.2, 0.1], "train/accuracy": [1.0] * 5, "val/loss": [1.0, 0.3, 1.0, 1.0, 1.0]}
            | {"val/accuracy": [0.75] * 5},
            {"val": 4},
        ),
        ({"gradient_flow": [1e-5, 1e-4, 1e-2]}, {}),  # not for long
        ({LOSS: [2.0, *[1.5] * 6]}, {"epochs": 7}),  # the end of a schedule
        ({"epoch": [1]}, {}),
    ],
)
def test_no_alarm_on_rows_made_by_hand(columns, facts):
    assert found(flat(**columns), Facts(**{"classes": 10, **facts})) == ()


def test_a_remedy_adds_to_what_is_used():
    rows, facts = real("sick", "cifar-overfitting")
    for used, remedy in (
        ({"regularize": "l2(1e-3)"}, "--regularize 'l2(1e-3), dropout(0.5)'"),
        ({"regularize": "dropout(0.2)"}, "--augment light"),
        ({"regularize": "dropout(0.2)", "augment": "flip"}, "--patience 5"),
    ):
        assert [trap.remedy for trap in found(rows, replace(facts, recipe=used))] == [remedy]
        assert_holds(remedy)


def test_names_of_unequal_classes_are_short_and_can_be_printed():
    rows = flat(**{"val/accuracy": [0.9] * 3, "val/balanced_accuracy": [0.5] * 3})
    (trap,) = found(rows, Facts(classes=2, counts={"n" * 10_000: 60, "a\nb": 6}))
    assert trap.name == "class imbalance"
    assert len(trap.evidence) < 300
    assert "a\\nb 6" in trap.evidence


def best_of(rows):
    return 1 + int(np.argmin([row["val/loss"] for row in rows]))


def test_remedies_of_overfitting_go_with_what_is_trained():
    """Features are not augmented, and a patience that is used is not advised again."""
    rows, facts = real("sick", "cifar-overfitting")
    dropped = {"regularize": "dropout(0.2)"}
    (trap,) = found(rows, replace(facts, recipe=dropped, images=False))
    assert trap.remedy == "--patience 5"
    (trap,) = found(rows, replace(facts, recipe={**dropped, "augment": "flip", "patience": "5"}))
    assert trap.remedy == f"--epochs {best_of(rows[: trap.epoch])}"
    assert_holds(trap.remedy)


TUNED = {"pretrained": "W", "model": "convnet"}


@pytest.mark.parametrize(
    ("recipe", "remedy"),
    [
        ({}, "--epochs 20"),
        ({"model": "convnet"}, "--model 'convnet(width=64)'"),
        ({"model": "convnet(width=128)"}, "--model 'convnet(width=256)'"),
        ({"model": "convnet(64)"}, "--model 'convnet(width=128)'"),
        ({"model": "convnet(width=512)"}, "--epochs 20"),
        ({"model": "mlp"}, "--model 'mlp(hidden=[512, 512])'"),
        ({"model": "mlp(hidden=[1024, 8])"}, "--model 'mlp(hidden=[2048, 16])'"),
        ({"model": "mlp([])"}, "--model 'mlp(hidden=[256, 256])'"),
        ({"model": "mlp([65536])"}, "--epochs 20"),
        ({"model": "resnet(depth=34)"}, "--model 'resnet(depth=34, width=128)'"),
        ({"model": "resnet(34, 16)"}, "--model 'resnet(34, width=32)'"),
        ({"model": "resnet20"}, "--model 'resnet20(width=32)'"),
        ({"model": "timm('vit')"}, "--epochs 20"),
        (TUNED, "--epochs 20"),
        ({**TUNED, "freeze": "all but head", "unfreeze_at": "0.3"}, "--freeze none"),
        ({**TUNED, "unfreeze_at": "0.3", "freeze": "none"}, "--unfreeze-at 0"),
        ({**TUNED, "unfreeze_at": "0.0"}, "--epochs 20"),
        ({"regularize": "dropout(0.5)", "model": "convnet"}, "--regularize none"),
    ],
)
def test_a_remedy_of_underfitting_is_more_than_what_is_used(recipe, remedy):
    rows = flat(
        **{
            LOSS: np.linspace(2.0, 1.7, 10),
            "train/accuracy": [0.4] * 10,
            "val/accuracy": [0.4] * 10,
            "val/loss": [1.9] * 10,
        }
    )
    (trap,) = found(rows, Facts(classes=10, epochs=10, recipe=recipe))
    assert (trap.name, trap.remedy) == ("underfitting", remedy)
    assert_holds(remedy)


def test_widths_are_those_of_the_models():
    for name, (setting, place, default, most) in WIDTHS.items():
        given = list(inspect.signature(MODELS[name]).parameters.values())[2:]
        assert (given[place].name, given[place].default) == (setting, default)
        shape = {"in_shape": (3, 32, 32), "classes": 10}
        too_wide = most + 1 if isinstance(default, int) else [most + 1]
        with pytest.raises(UsageError, match=f"{most:,}|{most}"), torch.device("meta"):
            MODELS[name](**shape, **{setting: too_wide})
    assert set(WIDTHS) == set(MODELS) - {"timm"}


@pytest.mark.parametrize(
    ("recipe", "images", "remedy"),
    [
        ({}, True, "--model resnet"),
        ({"model": "mlp(hidden=[64, 64])"}, True, "--model resnet"),
        ({"model": "mlp(hidden=[64, 64])"}, False, "--model mlp"),
        ({"model": "mlp"}, False, "ravine lr-find DATA --model mlp"),
        ({"model": "resnet20"}, True, "ravine lr-find DATA --model resnet20"),
        ({**TUNED, "freeze": "stage1"}, True, "--freeze none"),
        (TUNED, True, "--epochs 6"),
    ],
)
def test_remedies_of_vanishing_gradients(recipe, images, remedy):
    (trap,) = found(flat(gradient_flow=[1e-5] * 3), Facts(classes=10, recipe=recipe, images=images))
    assert trap.remedy == remedy
    assert_holds(remedy)


def test_dead_units_of_weights_that_are_not_kept_are_the_rates():
    rows = flat(dead_units=[0.9, 0.9])
    (trap,) = found(rows, Facts(classes=10, recipe=TUNED))
    assert trap.remedy == "--keep none"
    (trap,) = found(rows, Facts(classes=10, recipe={**TUNED, "keep": "none"}))
    assert trap.remedy == "ravine lr-find DATA --pretrained W"


def test_guessing_by_unequal_classes():
    facts = Facts(classes=2, counts={"a": 90, "b": 10})
    assert facts.chance == pytest.approx(-0.9 * np.log(0.9) - 0.1 * np.log(0.1))
    assert facts.majority == pytest.approx(0.9)
    assert Facts(classes=2, counts={"a": 90, "b": 10}, recipe={"balance": "loss"}).chance == pytest.approx(np.log(2))
    assert Facts(classes=10).chance == pytest.approx(np.log(10))


def test_validation_above_training_is_explained_and_no_trap():
    rows, facts = real("healthy", "dropout8")
    (sentence,) = notes(rows, facts)
    assert "72.2%" in sentence
    assert "disturbed" in sentence
    assert notes(rows, replace(facts, recipe={})) == ()
    assert notes([], facts) == ()
    assert ["was 35 epochs ago" in one for one in notes(*real("healthy", "long60"))] == [True]
    assert INSERTIONS  # the pieces that disturb a network, whose names the sentence goes by


def test_a_fall_too_small_for_four_digits_is_told_as_a_fall():
    """At a rate of 1e-7 the loss goes from 2.3071 to 2.3068: "from 2.307 to 2.307" would say nothing."""
    rows = [
        {"epoch": e, "lr": 1e-7, "grad_norm": 1.3, "train/loss": loss, "val/loss": loss}
        for e, loss in enumerate((2.3071, 2.307, 2.3068), 1)
    ]
    (trap,) = found(rows, Facts(classes=10, lr=1e-7, epochs=6))
    assert "only by 0.0003 from 2.307 in 3 epochs" in trap.evidence
