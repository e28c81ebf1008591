"""What a person is told before a fine-tuning begins, and what is refused before it does."""

import shutil

import numpy as np
import pytest
import torch
from tuned_trainings import MODEL, NEW, SMALL, digits, prepared, tensors_of

import ravine
from ravine import building
from ravine.errors import DataError, UsageError
from ravine.pretrained import start_from
from ravine.runs.defaults import resolve, with_held_out
from ravine.runs.opening import opened
from ravine.runs.plan_lines import plan_lines

OLD = digits([0, 1, 2, 3, 4])
BODY = ["stem", "stage1.0", "stage1.1", "stage2.0", "stage2.1", "stage3.0", "stage3.1"]
ONE_EPOCH = {**SMALL, "epochs": 1}


def table(training):
    """The words of each block's line, by block."""
    lines = (line.split() for line in plan_lines(training))
    return {words[0]: words[1:] for words in lines if words[0] in (*BODY, "head")}


@pytest.mark.parametrize(
    ("settings", "pretrained_ones"),
    [
        ({}, BODY),
        ({"gradual": True}, BODY),
        ({"keep": "first 2"}, BODY[:2]),
        ({"keep": "all but stage1, head"}, ["stem", *BODY[3:]]),
        ({"keep": "none", "gradual": True}, []),
        ({"head": "mlp"}, BODY),
    ],
)
def test_the_table_says_which_blocks_are_pretrained_and_which_are_new(pretrained, settings, pretrained_ones):
    begins = {name: words[0] for name, words in table(prepared(pretrained(MODEL), **settings)).items()}
    assert begins == {name: "pretrained" if name in pretrained_ones else "new" for name in (*BODY, "head")}


def test_a_head_that_is_kept_is_called_pretrained(pretrained):
    assert {words[0] for words in table(prepared(pretrained(MODEL), OLD)).values()} == {"pretrained"}


@pytest.mark.parametrize(
    ("outputs", "settings", "said"),
    [(3, {}, True), (4, {}, False), (3, {"head": "linear"}, False), (3, {"keep": "first 2"}, False)],
)
def test_that_a_nameless_head_of_as_many_outputs_could_be_kept_is_said(tmp_path, outputs, settings, said):
    torch.save(building.network(MODEL, (1, 12, 12), outputs).state_dict(), tmp_path / "theirs.pth")
    start = start_from(str(tmp_path / "theirs.pth"), normalize="half")
    recipe = ravine.Recipe(pretrained="theirs.pth", **settings)
    dataset, recipe = with_held_out(opened(NEW, recipe, start), recipe)
    _, told = resolve(recipe, dataset, torch.device("cpu"), start)
    assert any("(--head keep takes the pretrained one, which has as many outputs)" in line for line in told) == said


@pytest.mark.parametrize("keep", ["none", "first 0"])
def test_that_no_weight_is_taken_is_said(pretrained, tmp_path, keep):
    run = ravine.finetune(pretrained(MODEL), NEW, out=tmp_path, keep=keep, **ONE_EPOCH)
    assert f"none of its weights are taken (--keep '{keep}')" in (run.path / "log.txt").read_text()


def test_gradual_unfreezing_is_a_line_a_block_that_fits_a_terminal(pretrained):
    training = prepared(pretrained("resnet20(width=4)"), gradual=True, unfreeze_at=0.2, epochs=10, schedule="constant")
    lines = plan_lines(training)
    assert max(len(line) for line in lines if not line.startswith("computed once")) <= 80
    plan, words = training.tuning.plan, {line.split()[0]: line.split() for line in lines}
    for name, start in zip(plan.names[:-1], plan.starts, strict=False):
        assert words[name][3:6] == ["from", "epoch", f"{10 * start:.3g}"]
    assert words["head"][3:6] == ["from", "the", "start"]


def test_a_block_that_is_never_unfrozen_is_said_to_be(pretrained):
    found = table(prepared(pretrained(MODEL), gradual=True, freeze="first 2", epochs=4, lr=0.05, schedule="constant"))
    assert found["stem"][-1] == found["stage1.0"][-1] == "never"
    assert found["stage1.1"][-1] == f"{0.05 * 0.8**5:.2g}"
    assert found["head"][-1] == "0.05"


def test_that_nothing_is_left_to_unfreeze_is_said(pretrained, tmp_path):
    said = []
    for i, settings in enumerate(({"freeze": "all but head"}, {"unfreeze_at": 1}, {"keep": "none"}, {})):
        run = ravine.finetune(pretrained(MODEL), NEW, out=tmp_path / str(i), gradual=True, **settings, **ONE_EPOCH)
        said.append("--gradual changes nothing" in (run.path / "log.txt").read_text())
    assert said == [True, True, True, False]


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"freeze": "first 3"}, True),
        ({"freeze": "first 3", "unfreeze_at": 0.2}, False),
        ({"freeze": "all but head"}, False),
        ({"freeze": "first 0"}, False),
        ({}, False),
    ],
)
def test_that_freezing_takes_the_place_of_the_head_alone_is_said(pretrained, tmp_path, settings, said):
    run = ravine.finetune(pretrained(MODEL), NEW, out=tmp_path, **settings, **ONE_EPOCH)
    sentence = "what is not frozen is trained from the start; --unfreeze-at 0.3 trains the head alone first"
    assert (sentence in (run.path / "log.txt").read_text()) == said


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"freeze": "all but head", "augment": "translate(1)"}, True),
        ({"unfreeze_at": 0.5, "augment": "translate(1)"}, True),
        ({"freeze": "all but head", "augment": "none"}, False),
        ({"unfreeze_at": 0, "augment": "translate(1)"}, False),
        ({"keep": "none", "augment": "translate(1)"}, False),
        ({"freeze": "all but head", "bn": "stats", "augment": "translate(1)"}, False),
    ],
)
def test_that_augmentation_has_frozen_blocks_computed_anew_is_said(pretrained, settings, said):
    lines = plan_lines(prepared(pretrained(MODEL), **settings))
    assert any("computed anew in every epoch" in line and "--augment none" in line for line in lines) == said


def test_augmentation_is_not_blamed_for_what_something_else_prevents(pretrained):
    training = prepared(pretrained(MODEL), freeze="all but head", augment="none")
    training.tuning.cached = None  # as with a teacher, or compiled
    assert not any("computed" in line for line in plan_lines(training))


@pytest.mark.parametrize(
    ("keep", "freeze", "named", "instead"),
    [
        ("first 2", "stage1", "stage1.1", "stage1.0"),
        ("first 2", "all but head", "stage1.1, stage2.0, stage2.1 and 2 more", "stem, stage1.0"),
        ("none", "first 1", "stem", "none"),
    ],
)
def test_what_begins_anew_is_not_frozen_for_ever(pretrained, tmp_path, keep, freeze, named, instead):
    said = f"--freeze '{freeze}': {named} .*at random.* --freeze \"{instead}\""
    with pytest.raises(UsageError, match=said):
        ravine.finetune(pretrained(MODEL), NEW, out=tmp_path, keep=keep, freeze=freeze, **SMALL)
    assert list(tmp_path.iterdir()) == []
    if instead != "none":
        ravine.finetune(pretrained(MODEL), NEW, out=tmp_path, keep=keep, freeze=instead, **ONE_EPOCH)


def test_one_class_is_refused_before_any_plan_is_told(pretrained, tmp_path, capsys):
    alone = {**digits([5]), "classes": np.array(["class 5"])}
    with pytest.raises(DataError, match="one class only"):
        ravine.finetune(pretrained(MODEL), alone, out=tmp_path, **{**SMALL, "quiet": False})
    said = capsys.readouterr()
    assert "optimizer" not in said.out + said.err
    assert "adam" not in said.out + said.err


@pytest.mark.parametrize("finished", [True, False])
def test_the_same_command_goes_on_where_the_source_of_its_weights_is_gone(pretrained, tmp_path, capsys, finished):
    weights = tmp_path / "weights.safetensors"
    shutil.copy(pretrained(MODEL) / "weights" / "best.safetensors", weights)
    command = {"out": tmp_path / "runs", **{**SMALL, "epochs": 2, "quiet": False}}
    first = ravine.finetune(weights, NEW, **command)
    kept = tensors_of(first)
    if not finished:
        shutil.rmtree(first.path / "weights" / "best.safetensors", ignore_errors=True)
        (first.path / "summary.json").unlink()
    weights.unlink()
    capsys.readouterr()
    again = ravine.finetune(weights, NEW, **command)
    assert again.path == first.path
    said = capsys.readouterr()
    assert f"{weights} cannot be read any more: {first.path} has kept a copy" in said.out + said.err
    assert all(np.array_equal(kept[name], tensor) for name, tensor in tensors_of(again).items())
    with pytest.raises(DataError, match="weights.safetensors"):  # another command has no copy
        ravine.finetune(weights, NEW, **{**command, "lr": 0.01})
    with pytest.raises(DataError, match="weights.safetensors"):  # nor does a new run
        ravine.finetune(weights, NEW, fresh=True, **command)


@pytest.mark.parametrize("piece", ["l2_sp(-1)", "l2(-1)", "elastic(l2=-1)", "l1(strength='much')"])
def test_a_strength_that_cannot_be_names_its_piece_and_flag_before_data_is_read(tmp_path, piece):
    name = piece.split("(")[0]
    with pytest.raises(UsageError, match=rf"--regularize .*: {name}: .* cannot be"):
        ravine.finetune("runs/missing", tmp_path / "missing", out=tmp_path, regularize=piece)
