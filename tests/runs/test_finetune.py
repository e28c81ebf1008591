"""Fine-tuning: what is frozen stays bit by bit, also after a resume; what is new is new; classes go by name."""

import os
import shutil
import signal

import numpy as np
import pytest
import torch
from tuned_trainings import MODEL, NEW, SMALL, digits, prepared, tensors_of

import ravine
from ravine.errors import DataError, Interrupted, UsageError
from ravine.models import MODELS
from ravine.optimization import RULES
from ravine.runs.cached_features import CachedFeatures

ALL = "l2(1e-2), max_norm(1), weight_noise(0.1), dropout(0.3)"


def body(tensors):
    return {name: t for name, t in tensors.items() if not name.startswith(("head", "fc", "linear"))}


def differing(before, after):
    return {name for name, tensor in body(before).items() if not torch.equal(tensor, after[name])}


SIZES = {"mlp": "mlp([8, 8])", "convnet": MODEL, "resnet": "resnet(width=16)"}
OWN = sorted(set(MODELS) - {"timm", "resnet32", "resnet44", "resnet56", "resnet110"})


@pytest.mark.parametrize("augment", ["none", "translate(1)"])
@pytest.mark.parametrize("name", OWN)
def test_what_is_frozen_is_bit_equal_after_for_every_model(pretrained, tmp_path, name, augment):
    model = SIZES.get(name, f"{name}(width=4)")
    weights = pretrained(model, epochs=1)
    run = ravine.finetune(weights, NEW, out=tmp_path, freeze="all but head", augment=augment, **{**SMALL, "epochs": 2})
    before, after = tensors_of(ravine.Run(weights), "best"), tensors_of(run)
    assert len(body(before)) > 5
    assert not differing(before, after)
    first, last = (row["train/loss"] for row in run.metrics)
    assert first != last, "the head is trained"


@pytest.mark.parametrize("rule", RULES)
def test_no_rule_moves_what_is_frozen_and_nothing_else_does(pretrained, tmp_path, rule):
    weights = pretrained(MODEL)
    settings = {**SMALL, "epochs": 2, "lr": 1e-3, "optimizer": f"{rule}(decay=0.1)", "regularize": ALL, "sam": 0.05}
    settings |= {"average": "ema(0.9)", "clip": 1.0, "augment": "translate(1)", "members": 2}
    run = ravine.finetune(weights, NEW, out=tmp_path, freeze="stem, stage1", unfreeze_at=0, **settings)
    before, after = tensors_of(ravine.Run(weights), "best"), tensors_of(run)
    for member in ("member00/", "member01/"):
        mine = {name.removeprefix(member): tensor for name, tensor in after.items() if name.startswith(member)}
        moved = differing(before, mine)
        assert not [name for name in moved if name.startswith(("stem", "stage1"))]
        assert {name for name in body(before) if name.startswith(("stage2", "stage3"))} == moved


@pytest.mark.parametrize("stopped", [1, 2, 3])
@pytest.mark.parametrize("augment", ["none", "translate(1)"])
def test_killed_in_the_middle_of_unfreezing_and_resumed_is_byte_identical(pretrained, tmp_path, augment, stopped):
    weights = tmp_path / "weights.safetensors"
    shutil.copy(pretrained(MODEL) / "weights" / "best.safetensors", weights)
    settings = {**SMALL, "epochs": 4, "gradual": True, "unfreeze_at": 0.4, "augment": augment, "lr": 0.01}
    settings |= {"regularize": "l2(1e-3), dropout(0.3)", "average": "ema(0.9)"}
    whole = ravine.finetune(weights, NEW, out=tmp_path / "whole", **settings)

    def observer(row):
        if row["epoch"] == stopped:
            os.kill(os.getpid(), signal.SIGTERM)

    with pytest.raises(Interrupted):
        ravine.finetune(weights, NEW, out=tmp_path / "part", observers=[observer], **settings)
    weights.unlink()  # the run has its own copy
    resumed = ravine.resume(tmp_path / "part" / "arrays-finetuned", source=NEW, quiet=True, device="cpu")
    for name in ("weights/best.safetensors", "weights/last.safetensors", "metrics.jsonl"):
        assert (resumed.path / name).read_bytes() == (whole.path / name).read_bytes(), name


def test_a_member_of_many_is_fine_tuned_as_if_alone(pretrained, tmp_path):
    settings = {**SMALL, "augment": "translate(1)", "regularize": "l2(1e-3)"}
    alone = ravine.finetune(pretrained(MODEL), NEW, out=tmp_path / "alone", **settings)
    both = tensors_of(ravine.finetune(pretrained(MODEL), NEW, out=tmp_path / "both", members=2, **settings))
    assert all(torch.equal(both[f"member00/{name}"], tensor) for name, tensor in tensors_of(alone).items())
    assert not torch.equal(both["member00/head.weight"], both["member01/head.weight"])


def test_a_linear_probe_costs_one_pass_over_the_images(pretrained):
    training, seen = prepared(pretrained(MODEL), freeze="all but head", epochs=4), []
    training.population.members[0].get_submodule("stem").register_forward_pre_hook(lambda _, x: seen.append(len(x[0])))
    assert len(list(training.epochs())) == 4
    tried = 2 + 2 + 1  # whether the network can be cut, with two images each way, and how many numbers it gives
    assert sum(seen) == tried + len(training.labels["train"]) + len(training.labels["val"])


@pytest.mark.parametrize(
    ("settings", "depths"), [({"unfreeze_at": 0.5}, [7, 7, 0, 0]), ({"freeze": "first 3", "unfreeze_at": 0}, [3] * 4)]
)
def test_features_that_are_computed_once_change_nothing(pretrained, monkeypatch, settings, depths):
    cached = prepared(pretrained(MODEL), epochs=4, **settings)
    rows = [row for row, _ in cached.epochs()]
    assert [cached.tuning.cached.depth(progress) for progress in (0.0, 0.49, 0.5, 1.0)] == depths
    monkeypatch.setattr(CachedFeatures, "depth", lambda *_: 0)
    plain = prepared(pretrained(MODEL), epochs=4, **settings)
    for row, (other, _) in zip(rows, plain.epochs(), strict=True):
        assert row["train/loss"] == pytest.approx(other["train/loss"], rel=1e-5)
        assert row["val/accuracy"] == other["val/accuracy"]
    assert torch.allclose(cached.population.weights, plain.population.weights, rtol=0, atol=1e-5)


def test_the_head_alone_does_not_pull_on_what_is_below(pretrained):
    training = prepared(
        pretrained(MODEL), unfreeze_at=0.5, optimizer="adam", augment="translate(1)", regularize="l2(0.1)"
    )
    before, head = training.population.weights.clone(), 4 * 4 * 3 + 3
    for row, _ in training.epochs():
        moved = training.population.weights != before
        assert moved[:, -head:].double().mean() > 0.9
        if row["epoch"] == 1:
            assert not moved[:, :-head].any()
            assert not training.stepper.state["m"][:, :-head].any(), (
                "its memory is there from the first step, and empty"
            )
        else:
            assert moved[:, :-head].double().mean() > 0.9


@pytest.mark.parametrize(
    ("bn", "statistics", "gamma"),
    [("auto", False, False), ("frozen", False, False), ("stats", True, False), ("train", True, True)],
)
def test_what_batch_norm_does_in_frozen_blocks(pretrained, tmp_path, bn, statistics, gamma):
    weights = pretrained(MODEL)
    run = ravine.finetune(weights, NEW, out=tmp_path, freeze="stem, stage1", unfreeze_at=0, bn=bn, **SMALL)
    before, after = tensors_of(ravine.Run(weights), "best"), tensors_of(run)
    moved = differing(before, after)
    assert ("stem.0.1.running_mean" in moved) == statistics
    assert ("stem.0.1.weight" in moved) == gamma
    assert "stem.0.0.weight" not in moved, "the convolution is frozen whatever batch norm does"
    assert "stage3.0.0.weight" in moved
    assert ("stage3.0.2.running_mean" in moved) == (bn != "frozen")
    assert "stage3.0.2.weight" in moved


def test_blocks_that_are_not_kept_start_as_from_scratch(pretrained):
    known = tensors_of(ravine.Run(pretrained(MODEL)), "best")
    some, none = prepared(pretrained(MODEL), keep="first 2"), prepared(pretrained(MODEL), keep="none")
    of = [dict(training.population.members[0].named_parameters()) for training in (some, none)]
    for name, mine in of[0].items():
        kept = name.startswith(("stem", "stage1.0"))
        assert torch.equal(mine, known[name] if kept else of[1][name]), name
    assert not torch.equal(of[1]["stem.0.0.weight"], known["stem.0.0.weight"])


def test_classes_go_by_name_whatever_their_order(pretrained, tmp_path):
    weights = pretrained(MODEL, epochs=8)
    again = digits([3, 1, 0, 4, 2])
    assert list(again["classes"]) != sorted(again["classes"])
    old = ravine.load(weights)
    kept = ravine.finetune(weights, again, out=tmp_path, freeze="all but head", **{**SMALL, "epochs": 1, "lr": 0.0})
    assert kept.recipe.head == "keep"
    said = kept.last.probabilities(again["x"])
    theirs = old.probabilities(again["x"])
    assert kept.last.classes == tuple(again["classes"])
    order = [old.classes.index(name) for name in kept.last.classes]
    np.testing.assert_allclose(said, theirs[:, order], atol=1e-6)
    with pytest.raises(DataError, match="class 0, class 1"):
        ravine.finetune(weights, NEW, out=tmp_path, head="keep", **SMALL)


@pytest.mark.parametrize("head", ["linear", "mlp"])
def test_a_new_head_is_saved_and_read_again(pretrained, tmp_path, head):
    run = ravine.finetune(pretrained(MODEL), NEW, out=tmp_path, head=head, **SMALL)
    assert run.best.about["head"] == head
    assert run.best.classes == ("class 5", "class 6", "class 7")
    assert run.summary["best"]["val"]["accuracy"] == pytest.approx(
        run.metrics[run.summary["best_epoch"] - 1]["val/accuracy"]
    )
    further = ravine.finetune(run.path, NEW, out=tmp_path / "more", **{**SMALL, "epochs": 1})
    assert (further.recipe.head, further.best.about["head"]) == ("keep", head)


def test_images_are_seen_as_the_pretrained_network_saw_them(pretrained, tmp_path):
    weights = pretrained(MODEL)
    run = ravine.finetune(weights, NEW, out=tmp_path, **SMALL)
    assert run.best.normalize == ravine.load(weights).normalize
    assert run.best.about["in_shape"] == [1, 12, 12]
    small = {**NEW, "x": NEW["x"][:, :, 2:-2, 2:-2]}
    with pytest.raises(DataError, match="shape"):
        ravine.finetune(weights, {**NEW, "x": NEW["x"].reshape(len(NEW["x"]), -1).astype(np.float32)}, **SMALL)
    again = ravine.finetune(weights, small, out=tmp_path / "small", **SMALL)
    assert again.best.about["in_shape"][0] == 1


def test_members_of_a_run_start_from_its_members(pretrained):
    weights = pretrained(MODEL, members=2)
    training = prepared(weights, members=3)
    known = tensors_of(ravine.Run(weights), "best")
    for k, of in enumerate((0, 1, 0)):
        mine = training.population.members[k].get_parameter("stem.0.0.weight")
        assert torch.equal(mine, known[f"member{of:02d}/stem.0.0.weight"])
    assert training.tuning.cached is None, "they share no features"


def test_folds_and_sweeps_start_from_the_same_weights(pretrained, tmp_path):
    settings = {name: value for name, value in SMALL.items() if name != "val"} | {"epochs": 1}
    run = ravine.kfold(NEW, out=tmp_path, folds=2, pretrained=str(pretrained(MODEL)), freeze="all but head", **settings)
    known = tensors_of(ravine.Run(pretrained(MODEL)), "best")["stem.0.0.weight"]
    for fold in ("fold0", "fold1"):
        assert torch.equal(tensors_of(ravine.Run(run.path / fold))["stem.0.0.weight"], known)
    del settings["lr"]
    swept = ravine.finetune(pretrained(MODEL), NEW, out=tmp_path, sweep="lr=[0.0, 0.1]", members=2, **settings)
    assert "sweep" in swept.summary


def test_l2_sp_pulls_toward_the_pretrained_weights_and_a_new_head_toward_0(pretrained):
    plain, pulled = (
        prepared(pretrained(MODEL), unfreeze_at=0, layer_decay=1.0, epochs=6, regularize=text)
        for text in ("none", "l2_sp(5)")
    )
    started = plain.population.weights.clone()
    for training in (plain, pulled):
        list(training.epochs())
    head = 4 * 4 * 3 + 3
    far, near = ((training.population.weights - started)[:, :-head].norm() for training in (plain, pulled))
    assert near < 0.5 * far
    assert pulled.population.weights[:, -head:-3].norm() < 0.5 * plain.population.weights[:, -head:-3].norm()


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"regularize": "l2_sp(0.1)"}, "--regularize"),
        ({"freeze": "stem"}, "--freeze"),
        ({"keep": "first 2"}, "--keep"),
        ({"unfreeze_at": 0.3}, "--unfreeze-at"),
        ({"gradual": True}, "--gradual"),
        ({"layer_decay": 0.5}, "--layer-decay"),
        ({"bn": "stats"}, "--bn"),
        ({"head": "keep"}, "--head"),
    ],
)
def test_settings_that_mean_nothing_without_weights_are_refused(tmp_path, settings, said):
    with pytest.raises(UsageError, match=f"{said}.*pretrained"):
        ravine.train(NEW, out=tmp_path, **settings)


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"freeze": "all"}, "head"),
        ({"freeze": "layer9"}, "layer9"),
        ({"keep": "first 99"}, "first 99"),
        ({"forward": "vmap"}, "--forward"),
        ({"unfreeze_at": 1.5}, "--unfreeze-at"),
        ({"layer_decay": 0}, "--layer-decay"),
        ({"bn": "off"}, "--bn"),
        ({"model": "resnet20"}, "--model"),
    ],
)
def test_what_cannot_be_is_refused_and_leaves_no_folder(pretrained, tmp_path, settings, said):
    with pytest.raises(UsageError, match=said):
        ravine.finetune(pretrained(MODEL), NEW, out=tmp_path, **{**SMALL, **settings})
    assert list(tmp_path.iterdir()) == []
