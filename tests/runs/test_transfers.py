"""What transfers, measured on weights of which it is known."""

import json
import os
import shlex
import signal

import numpy as np
import pytest
import torch

import ravine
from ravine import data
from ravine.checkpoints.records import read_rows
from ravine.cli import main
from ravine.errors import Interrupted, NonFiniteLossError, UsageError
from ravine.pretrained import start_from
from ravine.recipe import Recipe
from ravine.runs import transfers as module
from ravine.runs.transfer_plan import experiment
from ravine.runs.transfer_points import _packed, point, recipe_for, right_of
from ravine.transfer.what_transfers import SCRATCH, settings

QUIET = {"quiet": True, "device": "cpu"}


def quadrants(n, seed, names):
    """24 numbers, of which the signs of two sums make the class: a first layer that knows the sums knows all."""
    rng = np.random.default_rng(seed)
    x = rng.normal(0, 1, (n, 24)).astype(np.float32)
    y = 2 * (x[:, :12].sum(1) > 0) + (x[:, 12:].sum(1) > 0)
    return {"x": x, "y": y.astype(np.int64), "classes": np.array(names)}


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A network that knows the quadrants, and 40 images of the same ones under other names."""
    place = tmp_path_factory.mktemp("place")
    np.savez(place / "old.npz", **quadrants(3000, 0, ["a", "b", "c", "d"]))
    x = quadrants(400, 1, ["e", "f", "g", "h"])
    test = quadrants(300, 2, [])
    rows = np.random.default_rng(0).permutation(400)
    kept = {"x": x["x"][rows[:40]], "y": x["y"][rows[:40]], "x_val": x["x"][rows[40:]], "y_val": x["y"][rows[40:]]}
    np.savez(place / "new.npz", **kept, x_test=test["x"], y_test=test["y"], classes=x["classes"])
    ravine.train(place / "old.npz", model="mlp(hidden=(24, 24))", epochs=12, name="old", out=place, **QUIET)
    return place


@pytest.fixture(scope="module")
def found(place):
    return ravine.transfers(place / "old", place / "new.npz", epochs=40, out=place / "runs", **QUIET)


def test_what_is_known_carries_over(found, place):
    assert len(found.blocks) == 2
    assert (found.seeds, found.n, found.depths) == (3, 360, (0, 1, 2))
    assert found.verdict.carried >= 1
    assert found.gap("frozen", 1, "random", 1).above
    assert found.gap("frozen", 1, "scratch", 0).above
    assert found.verdict.freeze
    assert "carr" in found.sentences[0]
    assert found.verdict.test["n"] == 300
    folder = place / "runs" / "new-transfers"
    assert json.loads((folder / "transfers.json").read_text())["sentences"] == list(found.sentences)
    assert "</html>" in (folder / "transfers.html").read_text(encoding="utf-8")


def test_probes_and_cka(found):
    """The probe of a block that knows is good; what was fine-tuned is still alike."""
    assert found.probes[0] > found.accuracy("random", 1)
    assert found.cka.shape == (3, 2)
    assert 0.3 < found.cka.min() <= found.cka.max() <= 1.01
    assert found.parameters == (24 * 24 + 48, 24 * 24 + 48, 24 * 4 + 4)  # norms have no use for biases


def test_the_advice_is_what_finetune_does(found, place):
    """The command that is recommended gives the very networks that were measured."""
    for depth, freeze in enumerate(("none", "first 1", "all but head")):
        run = ravine.finetune(
            place / "old", place / "new.npz", epochs=40, members=3, freeze=freeze, out=place / "tuned", **QUIET
        )
        trained = [run.metrics[-1][f"member{k:02d}/val/accuracy"] for k in range(3)]
        assert found.answers("whole", depth).mean(1).tolist() == pytest.approx(trained)
        last = run.last.answers(data.load(place / "new.npz"), "test").correct
        assert (found.test[found.setting("whole", depth)] == last).all()
    command = f"ravine finetune {place / 'old'} {place / 'new.npz'} --epochs 40"
    assert found.commands["finetune"] == command


def test_averaged_weights_are_what_is_judged(place):
    settings = {"epochs": 3, "average": "ema(0.9)", "regularize": "dropout(0.5)", "members": 2}
    found = ravine.transfers(place / "old", place / "new.npz", depths="0", out=place / "ema", **settings, **QUIET)
    run = ravine.finetune(place / "old", place / "new.npz", out=place / "ema", **settings, **QUIET)
    last = run.last.answers(data.load(place / "new.npz"), "val").correct
    assert (found.answers("whole", 0) == last).all()


def test_seeds_are_paired(found, place):
    """Member k of a point is the training of seed k alone."""
    one = ravine.transfers(place / "old", place / "new.npz", epochs=40, members=1, first_member=2, depths="1",
                           out=place / "one", **QUIET)  # fmt: skip
    for setting, right in one.right.items():
        assert (right[0] == found.right[setting][2]).mean() > 0.99, setting
    assert any("one seed" in warning for warning in one.warnings)


def test_a_point_differs_in_what_becomes_of_the_first_blocks_alone():
    asked = Recipe(pretrained="old", lr=0.01, bn="train", members=3)
    recipes = {setting: recipe_for(asked, setting, 0.02) for setting in settings((0, 2, 5))}
    alike = {"keep": "all", "freeze": "none", "unfreeze_at": 0.0, "bn": "auto", "lr": 1.0}
    assert len({recipe.changed(**alike).to_toml() for recipe in recipes.values()}) == 1
    texts = {setting: (recipe.keep, recipe.freeze, recipe.bn) for setting, recipe in recipes.items()}
    assert texts["frozen", 2] == ("first 2", "first 2", "train")
    assert texts["tuned", 2] == ("first 2", "none", "train")
    assert texts["random", 2] == ("none", "first 2", "stats")
    assert texts["whole", 2] == ("all", "first 2", "train")
    assert texts["whole", 0] == ("all", "none", "train")
    assert texts[SCRATCH] == ("none", "none", "train")
    expected = {"whole": ("auto", 0.01), "tuned": ("auto", 0.02)}
    for (line, _), recipe in recipes.items():
        assert (recipe.unfreeze_at, recipe.lr) == expected.get(line, (0.0, 0.02))


def test_what_is_kept_and_fine_tuned_is_treated_as_by_finetune(place):
    """Kept blocks wait and take fine-tuning's share of the rate; what is new is trained as from scratch."""
    seen = {}

    def look(training, position):
        if training.step == 1:
            recipe, plan = training.recipe, training.tuning.plan
            seen.setdefault((recipe.keep, recipe.freeze), []).append((plan, recipe.lr))

    plan = experiment(Recipe(pretrained=str(place / "old"), epochs=1, members=1), data.load(place / "new.npz"),
                      start_from(str(place / "old")), torch.device("cpu"), (1,))  # fmt: skip
    assert plan.share == pytest.approx(0.3)
    for setting in (("tuned", 1), ("whole", 0)):
        point(plan, setting, look, compare=False)
    ((tuned, rate),), ((whole, fine),) = seen["first 1", "none"], seen["all", "none"]
    assert tuned.starts == (0.3, 0.0, 0.0)
    assert fine == pytest.approx(0.3 * rate)
    for progress in (0.5, 1.0):
        assert rate * tuned.factor(0, progress) == pytest.approx(fine * whole.factor(0, progress))
        assert tuned.factor(1, progress) == tuned.factor(2, progress) == 1.0


def test_interrupted_it_goes_on_with_the_same_result(place, monkeypatch, found):
    call = {"epochs": 40, "out": place / "cut", **QUIET}
    real, done = module.point, []

    def cut_off(*arguments):
        if len(done) == 3:
            raise Interrupted(15)
        done.append(real(*arguments))
        return done[-1]

    monkeypatch.setattr(module, "point", cut_off)
    with pytest.raises(Interrupted):
        ravine.transfers(place / "old", place / "new.npz", **call)
    points = place / "cut" / "new-transfers" / "points.jsonl"
    assert len(read_rows(points)) == 3
    with points.open("a") as file:
        file.write('{"line": "frozen", "de')  # killed as it wrote
    monkeypatch.setattr(module, "point", real)
    again = ravine.transfers(place / "old", place / "new.npz", **call)
    whole = [{**row, "seconds": 0} for row in read_rows(place / "runs" / "new-transfers" / "points.jsonl")]
    assert [{**row, "seconds": 0} for row in read_rows(points)] == whole
    assert again.sentences == found.sentences

    def never(*_):
        raise AssertionError("it has finished")

    monkeypatch.setattr(module, "point", never)
    assert ravine.transfers(place / "old", place / "new.npz", **call).sentences == found.sentences


def test_a_signal_stops_it_between_two_steps(place, monkeypatch):
    real = module.point

    def signalled(plan, setting, on_step, compare):
        def step(training, position):
            if training.step == 1 and setting != SCRATCH:
                os.kill(os.getpid(), signal.SIGTERM)
            on_step(training, position)

        return real(plan, setting, step, compare)

    monkeypatch.setattr(module, "point", signalled)
    with pytest.raises(Interrupted, match="1 of 9 trainings are kept; the same ravine transfers command goes on"):
        ravine.transfers(place / "old", place / "new.npz", epochs=2, out=place / "stopped", **QUIET)


def test_other_settings_have_another_folder(place, found):
    other = ravine.transfers(place / "old", place / "new.npz", epochs=1, depths=[1], out=place / "runs", **QUIET)
    assert other.folder.endswith("new-transfers-2")
    assert other.depths == (0, 1, 2), "0 and all are always there"
    fewer = ravine.transfers(place / "old", place / "new.npz", epochs=1, depths="0", out=place / "runs", **QUIET)
    assert fewer.folder.endswith("new-transfers-3")
    assert fewer.depths == (0, 2)


def test_nothing_learned_nothing_changed(place):
    """Without a rate the fine-tuned network is the pretrained one: CKA 1 in every block, frozen as good as tuned."""
    settings = {"epochs": 1, "lr": 0.0, "members": 2, "bn": "frozen"}
    found = ravine.transfers(place / "old", place / "new.npz", out=place / "still", **settings, **QUIET)
    assert found.cka == pytest.approx(np.ones((2, 2)))
    for depth in found.depths:
        assert (found.answers("frozen", depth) == found.answers("tuned", depth)).all()
    assert found.verdict.carried == 0


def test_batch_norm_and_a_mlp_head(tmp_path):
    """A network with batch norm: random blocks are no worse off for statistics that are not theirs."""
    digits = data.load("digits").splits["train"]
    x, y = digits.take(np.arange(240)), digits.y[:240]
    run = ravine.train((x, y), model="convnet(width=4)", epochs=1, out=tmp_path, name="old", **QUIET)
    found = ravine.transfers(run.path, (x[:120], y[:120] % 2), depths="1", members=2, epochs=1, head="mlp",
                             out=tmp_path, name="parity", **QUIET)  # fmt: skip
    assert found.blocks[0] == "stem"
    assert found.depths == (0, 1, len(found.blocks))
    assert found.commands["finetune"].endswith("DATA --head mlp --epochs 1")
    assert "DATA --model 'convnet(width=4)' --normalize 'values([0." in found.commands["train"]
    assert found.commands["train"].endswith("--head mlp --epochs 1 --size 8")


def test_the_command_from_scratch_is_the_training_that_was_measured(tmp_path, monkeypatch, place):
    """Same size, same normalisation: the very networks. Floats have no such flags, so finetune keeps nothing there."""
    monkeypatch.chdir(tmp_path)
    digits = data.load("digits").splits["train"]
    x, y = digits.take(np.arange(240)), digits.y[:240]
    ravine.train((x // 2, y), model="convnet(width=4)", epochs=1, name="old", **QUIET)
    np.savez("new.npz", x=x[:120], y=y[:120] % 2)
    images = ravine.transfers("runs/old", "new.npz", depths="0", members=2, epochs=2, batch=16, **QUIET)
    settings = {"epochs": 3, "members": 2, "depths": "0"}
    floats = ravine.transfers(place / "old", place / "new.npz", out=place / "floats", **settings, **QUIET)
    assert " --keep none " in floats.commands["train"]
    for found in (images, floats):
        command = [*shlex.split(found.commands["train"])[1:], "--members", "2", "--device", "cpu", "--quiet"]
        assert main([*command, "--name", "scratch", "--fresh"]) == 0
        run = ravine.Run(max((tmp_path / "runs").glob("scratch*")))
        trained = [run.metrics[-1][f"member{k:02d}/val/accuracy"] for k in range(2)]
        assert found.answers("scratch", 0).mean(1).tolist() == pytest.approx(trained)
        old = ravine.load(found.weights).normalize
        assert (run.best.normalize.mean, run.best.normalize.std) == (pytest.approx(old.mean), pytest.approx(old.std))


def test_the_same_classes_have_a_new_head_all_the_same(place):
    found = ravine.transfers(place / "old", place / "old.npz", epochs=1, members=2, depths="0", out=place / "same",
                             **QUIET)  # fmt: skip
    assert found.accuracy("whole", 0) > found.accuracy("scratch", 0) - 0.05
    assert "--head linear" in found.commands["finetune"]


def test_answers_are_kept_bit_by_bit():
    rng = np.random.default_rng(0)
    for n in (1, 7, 8, 9, 1000):
        right = rng.random((3, n)) < 0.5
        assert (right_of({"val": json.loads(json.dumps(_packed(right)))}, "val") == right).all()


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"depths": "3"}, "--depths 3: 2 blocks before the head"),
        ({"depths": "one"}, "--depths: cannot be 'one'"),
        ({"depths": ""}, "--depths: cannot be ''"),
        ({"depths": [-1]}, "--depths: cannot be"),
        ({"freeze": "first 1"}, "--freeze: is what the experiment sets itself"),
        ({"unfreeze_at": 0.5}, "--unfreeze-at: is what"),
        ({"gradual": True}, "--gradual: is what"),
        ({"sweep": "lr=1e-3..1e-2"}, "--sweep: is what"),
        ({"pretrained": "other"}, "--pretrained: are given by their path here"),
        ({"head": "keep"}, "--head keep: the rest is new"),
        ({"patience": 3}, "early stopping looks at validation"),
        ({"regularize": "early_stopping(5)"}, "early stopping looks at validation"),
        ({"schedule": "plateau"}, "the plateau schedule looks at validation"),
    ],
)
def test_refusals(place, settings, said):
    with pytest.raises(UsageError, match=said):
        ravine.transfers(place / "old", place / "new.npz", out=place / "refused", **settings, **QUIET)
    assert not list((place / "refused").glob("*"))


def test_a_loss_that_is_no_number_names_its_training(place):
    with pytest.raises(NonFiniteLossError, match="from scratch"):
        ravine.transfers(place / "old", place / "new.npz", optimizer="sgd", lr=1e30, epochs=2, members=1,
                         out=place / "absurd", **QUIET)  # fmt: skip
