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
