"""The one thing that would save most time, and the one that would help most: tables of cases."""

from dataclasses import fields, replace

import numpy as np
import pytest
from made_up_reports import made_up

from ravine.interval import wilson
from ravine.recipe import Recipe
from ravine.report import Accuracy
from ravine.report.accuracies import accuracies, best_epochs, by_luck
from ravine.report.command import command
from ravine.report.notices import notices
from ravine.report.seconds import advice, in_words, seconds
from ravine.report.verdict import how_good, what_helps
from ravine.traps import Facts, Trap

CPU = {"device": "cpu", "threads": 8, "cores": 8}
GPU = {"device": "NVIDIA H100", "threads": 8, "cores": 8}
NONE, FLIP = {"augment": "none"}, {"augment": "flip"}


@pytest.mark.parametrize(
    ("data", "compute", "validation", "saving", "recipe", "environment", "words"),
    [
        (1, 50, 5, 0, NONE, CPU, "nothing is worth changing"),
        (100, 250, 0, 0, NONE, CPU, "--cache"),
        (100, 250, 0, 0, FLIP, CPU, "lighter --augment, or a GPU"),
        (100, 250, 0, 0, FLIP, GPU, "lighter --augment."),
        (24, 76, 0, 0, FLIP, CPU, "a GPU (--device cuda)"),
        (30, 100, 60, 0, NONE, CPU, "--val"),
        (60, 100, 61, 0, NONE, CPU, "--val"),
        (61, 100, 60, 0, NONE, CPU, "--cache"),
        (0, 100, 0, 6, NONE, CPU, "--out"),
        (0, 100, 0, 5, NONE, CPU, "a GPU"),
        (0, 100, 0, 0, NONE, {**CPU, "threads": 1}, "OMP_NUM_THREADS=8"),
        (0, 100, 0, 0, NONE, {"device": "cpu"}, "a GPU"),
        (0, 100, 0, 0, {**NONE, "precision": "float32"}, GPU, "--precision bfloat16"),
        (0, 100, 0, 0, {**NONE, "precision": "bfloat16"}, GPU, "smaller --model"),
    ],
)
def test_advice_on_time(data, compute, validation, saving, recipe, environment, words):
    total = {"data": data, "compute": compute, "validation": validation, "saving": saving}
    assert words in advice(total, Recipe(**recipe), environment)


def test_seconds_of_old_runs_and_of_none():
    assert seconds([], {}, Recipe(), {}) is None
    old = [{"epoch": 1, "data": 1.0, "compute": 2.0, "validation": 0.5, "images_per_second": 9.0}]
    found = seconds(old, {"seconds": {"saving": 0.25}}, Recipe(), {})
    assert found.epochs == ({"data": 1.0, "compute": 2.0, "validation": 0.5},)
    assert found.total == {"data": 1.0, "compute": 2.0, "validation": 0.5, "saving": 0.25}


@pytest.mark.parametrize(
    ("value", "words"),
    [(0.04, "0.0 s"), (9.94, "9.9 s"), (59.6, "1 min 0 s"), (200, "3 min 20 s"), (7500, "2 h 5 min")],
)
def test_seconds_in_words(value, words):
    assert in_words(value) == words


def test_best_epochs_are_the_trainings_own():
    """The highest accuracy, at equal ones the lowest loss, and then the first; NaN (null in JSON) is never best."""
    scores = [(None, None), (0.5, 1.0), (0.7, 0.9), (0.7, 0.8), (0.7, 0.8), (0.6, 0.1)]
    rows = [{"epoch": e, "val/accuracy": a, "val/loss": loss} for e, (a, loss) in enumerate(scores, 1)]
    assert best_epochs({}, rows, 1) == (4,)
    assert best_epochs({}, rows[:1], 1) == best_epochs({}, [], 1) == ()
    assert best_epochs({"best_epoch": [2, 3]}, rows, 2) == (2, 3)
    two = [{"epoch": 1, "member00/val/accuracy": 0.5, "member01/val/accuracy": 0.9}]
    two += [{"epoch": 2, "member00/val/accuracy": 0.6, "member01/val/accuracy": 0.8}]
    assert best_epochs({}, two, 2) == (2, 1)
    best, last = accuracies({}, rows, (4,), 100)
    assert (best.accuracy, last.accuracy, best.n) == (0.7, 0.6, 100)
    assert best.epochs == best_epochs({}, rows, 1), "the number and the ring on the curve are of one epoch"


def summary(clean=0.95, stopped="all epochs done", n=2000, accuracy=0.9):
    best = {"test": {"n": n, "accuracy": accuracy}}
    return {"best": best, "epochs": 7, "clean_train": {"accuracy": clean}, "stopped": stopped}


def sure(accuracy=0.9, n=2000, half=0.01, split="test"):
    return (Accuracy("best", (3,), split, accuracy, accuracy - half, accuracy + half, n),)


def facts_of(images=True, photos=False, counts=None, **settings):
    recipe = Recipe(**settings)
    used = {f.name: str(getattr(recipe, f.name)) for f in fields(recipe)}
    return Facts(classes=10, recipe=used, images=images, photos=photos, counts=counts or {})


def report(accuracies=None, doubtful=0, pair=0, wrong=200, **changes):
    """A finished report without mistakes worth a word, but `pair` of `wrong` between the first two classes."""
    base = made_up()
    confusion = np.zeros((10, 10), np.int64)
    confusion[0, 1], confusion[1, 0] = pair // 2, pair - pair // 2
    rest = [(i, j) for i in range(10) for j in range(10) if i != j and {i, j} != {0, 1}]
    for k in range(wrong - pair):
        confusion[rest[k % len(rest)]] += 1
    judged = replace(base.judged, confusion=confusion)
    mistakes = replace(base.mistakes, doubtful=doubtful)
    return replace(base, accuracies=accuracies or sure(), judged=judged, mistakes=mistakes, **changes)


@pytest.mark.parametrize(
    ("shown", "found", "recipe", "words"),
    [
        (report(state="stopped"), summary(), {}, "ravine resume runs/photos"),
        (
            report(traps=(Trap("overfitting", 9, "it is so", "--patience 5"),)),
            summary(),
            {},
            "--patience 5: overfitting",
        ),
        (report(doubtful=100), summary(), {}, "a look at the labels: 100 of its 200"),
        (report(doubtful=99), summary(), {}, "Nothing stands out"),
        (report(sure(0.7), doubtful=600), summary(clean=0.75, accuracy=0.7), {}, "--epochs 14"),
        (report(sure(0.85)), summary(clean=0.96, accuracy=0.85), NONE, "--augment standard"),
        (report(sure(0.85)), summary(clean=0.96, accuracy=0.85), FLIP, "--regularize"),
        (
            report(sure(0.85)),
            summary(clean=0.96, accuracy=0.85),
            {**FLIP, "regularize": "dropout"},
            "training images: 96",
        ),
        (report(sure(0.5, n=30, half=0.17)), summary(clean=0.62, accuracy=0.5), NONE, "--epochs 14"),
        (report(), summary(clean=0.89), {}, "--epochs 14"),
        (report(), summary(clean=0.89), {"budget": "5m"}, "a longer training, --budget 10m: 89"),
        (
            report(),
            summary(clean=0.89, stopped="patience 2"),
            {"model": "convnet(width=128)"},
            "a larger network, --model 'convnet(width=256)': 89",
        ),
        (report(), summary(clean=0.89, stopped="patience 2"), {"model": "timm:vit", "patience": 2}, "--patience 4"),
        (
            report(),
            summary(clean=0.89, stopped="patience 2"),
            {"model": "convnet", "pretrained": "W", "freeze": "stage1"},
            "to train more of the blocks, --freeze none: 89",
        ),
        (report(sure(0.85)), summary(clean=0.96, accuracy=0.85), {**NONE, "images": False}, "--regularize"),
        (
            report(),
            summary(),
            {"counts": {"a": 300}, "photos": True},
            "ravine finetune WEIGHTS DATA: 300 photos are few",
        ),
        (report(), summary(), {"counts": {"a": 300}}, "Nothing stands out"),
        (report(), summary(), {"counts": {"a": 3000}, "photos": True}, "Nothing stands out"),
        (report(), summary(), {"counts": {"a": 300}, "photos": True, "pretrained": "W"}, "Nothing stands out"),
        (report(sure(0.96)), summary(), {"counts": {"a": 300}, "photos": True}, "Nothing stands out"),
        (report(sure(1.0)), summary(accuracy=1.0), {}, "All 2,000 test images are right, so these are used up"),
        (report(sure(1.0)), summary(clean=0.7, accuracy=1.0), {}, "a larger or a harder test."),
        (report(sure(1.0, n=20, half=0.1, split="val")), summary(accuracy=1.0), {}, "--test 0.2, or a test folder"),
        (report(pair=50), summary(), {}, "more images of a and b: 50 of the 200"),
        (report(pair=49), summary(), {}, "Nothing stands out"),
        (report(sure(half=0.05, n=100)), summary(), {}, "more images to judge on"),
        (report(sure(half=0.05, n=100, split="val")), summary(), {}, "--test 0.2"),
        (report(), summary(), {}, "an ensemble (--members 5)"),
        (report(best_epochs=(3, 4)), summary(), {}, "more images."),
    ],
)
def test_what_would_help_most(shown, found, recipe, words):
    assert words in what_helps(shown, facts_of(**recipe), found)


def test_how_good():
    sweep = report(sweep="lr=[0.1, 1]", winner="lr=0.1", voters=(0,))
    assert how_good(sweep).startswith("The network with lr=0.1, which the sweep chose, recognises")
    assert how_good(report()) == "The network recognises 90.0% of 2,000 test images (95% interval 89.0% to 91.0%)."
    assert how_good(report(sure(split="val"))).endswith("so that this flatters a little.")
    assert how_good(report(best_epochs=(1, 2))).startswith("The vote of its 2 members recognises")


@pytest.mark.parametrize(
    ("argv", "typed"),
    [
        (["/x/bin/ravine", "train", "my photos/", "--lr", "0.1"], "ravine train 'my photos/' --lr 0.1"),
        (["/x/ravine/__main__.py", "train", "digits"], "python -m ravine train digits"),
        (["train.py", "a;b"], "python train.py 'a;b'"),
        (["-c"], ""),
        ([""], ""),
        ([], ""),
        (["/x/ipykernel_launcher.py", "-f", "k.json"], ""),
    ],
)
def test_the_command_as_typed(argv, typed):
    assert command(argv) == typed


def test_notices_are_what_was_said_once_and_not_shown_elsewhere():
    lines = [
        "warning: train has copies",
        "model mlp (floats)",
        "epoch  1/20  loss 1.0",
        "epoch 5 it froze",
        "model mlp (floats)",
    ]
    log = "\n".join([*lines, "", "warning: bad\udc80\u202ename", "half a li"]).encode("utf-8", "surrogateescape")
    found = notices(log, ["train has copies"])
    assert found == ("model mlp (floats)", "epoch 5 it froze", "warning: bad\\udc80\\u202ename", "half a li")


@pytest.mark.parametrize(
    ("n", "best", "last_share", "said"),
    [
        (40, 3, 0.55, True),  # best has 24 of 40
        (99, 5, 0.55, True),
        (100, 3, 0.55, False),  # images enough
        (40, 6, 0.55, True),
        (40, 7, 0.55, False),  # not early
        (40, 3, 0.30, False),  # the last epoch is clearly worse
    ],
)
def test_a_best_epoch_that_may_be_luck_is_said_to_be(n, best, last_share, said):
    few = (Accuracy("best", (best,), "val", 0.6, *wilson(0.6 * n, n), n),)
    few += (Accuracy("last", (12,), "val", last_share, *wilson(last_share * n, n), n),)
    sentence = f"Best is epoch {best} of 12, chosen on {n} validation images"
    assert by_luck(few).startswith(sentence) == said
    assert (by_luck(few) == "") != said
    assert (sentence in how_good(replace(made_up(), accuracies=few))) == said
    assert by_luck(few[:1]) == by_luck(()) == ""
    if said:
        assert "Best is epochs 2, 3 of 12" in by_luck((replace(few[0], epochs=(3, 2, 3)), few[1]))
