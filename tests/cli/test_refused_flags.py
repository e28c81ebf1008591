"""Flags and arguments that cannot be, in one readable line; and flags that a command does not offer."""

import re

import pytest
from calling import called


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["finetune"], "WEIGHTS and DATA are missing; expected ravine finetune runs/birds photos/"),
        (["finetune", "runs/a"], "DATA is missing; expected ravine finetune runs/birds photos/"),
        (["transfers"], "WEIGHTS and DATA are missing; expected ravine transfers runs/birds photos/"),
        (["train"], "DATA is missing; expected ravine train digits"),
        (["finetune", "a", "b", "--unfreeze-at", "abc"], "--unfreeze-at: cannot be 'abc'; expected a number or auto"),
        (["train", "digits", "--epochs", "x"], "--epochs: cannot be 'x'; expected a whole number or auto"),
        (["train", "digits", "--size", "it's"], '--size: cannot be "it\'s"; expected a whole number or auto'),
        (["train", "digits", "--members", "x"], "--members: cannot be 'x'; expected a whole number"),
        (["train", "digits", "--sam", "x"], "--sam: cannot be 'x'; expected a number"),
    ],
)
def test_what_cannot_be_is_said_in_one_readable_line(capsys, arguments, said):
    code, _, err = called(capsys, *arguments)
    assert code == 2
    assert err == f"error: ravine {arguments[0]}: {said}\n"


@pytest.mark.parametrize("command", ["train", "finetune", "transfers", "kfold"])
@pytest.mark.parametrize(
    ("text", "said"), [("flop", "unknown name 'flop'. Did you mean 'flip'?"), ("rotate(500)", "rotate(500)")]
)
def test_an_augmentation_that_is_none_is_refused_before_weights_and_data_are_read(capsys, command, text, said):
    places = ["nowhere.th", "nowhere"] if command in ("finetune", "transfers") else ["nowhere"]
    code, _, err = called(capsys, command, *places, "--augment", text)
    assert code == 2
    assert "--augment" in err
    assert said in err


@pytest.mark.parametrize("text", ["auto", "none", "standard", "strong, mixup(0.2)", "crop(40)"])
def test_an_augmentation_that_there_is_waits_for_the_data(capsys, text):
    code, _, err = called(capsys, "train", "nowhere", "--augment", text)
    assert code == 3
    assert "no such folder" in err


@pytest.mark.parametrize("command", ["ensemble", "report"])
def test_help_names_no_default_that_is_nothing(capsys, command):
    with pytest.raises(SystemExit):
        called(capsys, command, "--help")
    assert "(default: )" not in capsys.readouterr().out


OWN = ["--keep", "--freeze", "--unfreeze-at", "--gradual", "--sweep", "--snapshots", "--pretrained", "--log"]


def test_help_does_not_offer_what_the_command_refuses(capsys):
    offered = {}
    for command in ("transfers", "finetune"):
        with pytest.raises(SystemExit):
            called(capsys, command, "--help")
        offered[command] = {*re.findall(r"^[│ ] (?: )?(--[a-z-]+)", capsys.readouterr().out, re.M)}
    assert not offered["transfers"] & set(OWN)
    assert {"--layer-decay", "--bn", "--epochs", "--depths"} <= offered["transfers"]
    assert offered["finetune"] >= {flag for flag in OWN if flag != "--pretrained"}
    assert "--pretrained" not in offered["finetune"]


@pytest.mark.parametrize("flag", ["--freeze=stem", "--gradual", "--snapshots=2", "--log=tensorboard"])
def test_what_the_help_leaves_out_is_refused_with_its_reason(capsys, flag):
    code, _, err = called(capsys, "transfers", "a", "b", flag)
    assert code == 2
    assert "Leave it out" in err
