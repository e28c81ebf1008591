"""Flags from a dataclass (tyro), with every refusal in one line."""

import io
import os
import re
from collections.abc import Sequence
from contextlib import redirect_stderr
from dataclasses import fields
from inspect import cleandoc
from typing import Any, TypeVar

import tyro

from ravine.errors import UsageError, did_you_mean

T = TypeVar("T")


def parse(options: type[T], arguments: Sequence[str], command: str) -> T:
    """An instance of the dataclass `options`. Its docstring is the command's help, its fields are the flags.

    Raises:
        UsageError: in one line what tyro says in a box.
        SystemExit: 0, after `--help`.
    """
    asks_help = bool({"-h", "--help"} & set(arguments))
    if not asks_help:
        _refuse_unknown(options, arguments, command)
    said, columns = io.StringIO(), os.environ.get("COLUMNS")
    try:
        if not asks_help:
            os.environ["COLUMNS"] = "1000"  # so that no word of the box is broken
        with redirect_stderr(said):
            return tyro.cli(
                options,
                prog=f"ravine {command}",
                description=cleandoc(options.__doc__ or ""),
                args=list(arguments),
                config=(tyro.conf.FlagCreatePairsOff,),
            )
    except SystemExit as exit:
        if not exit.code:
            raise
        raise UsageError(_in_one_line(said.getvalue()), where=f"ravine {command}") from None
    finally:
        os.environ.pop("COLUMNS", None)
        if columns is not None:
            os.environ["COLUMNS"] = columns


def _refuse_unknown(options: Any, arguments: Sequence[str], command: str) -> None:
    """tyro would complain of whatever an unknown flag's value is taken for."""
    known = [f"--{field.name.replace('_', '-')}" for field in fields(options)]
    for argument in arguments:
        name = argument.split("=")[0].replace("_", "-")
        if argument == "--":
            return
        if name.startswith("--") and name not in known:
            raise UsageError(f"no flag {name}", where=f"ravine {command}", cure=did_you_mean(name, known))


def _in_one_line(box: str) -> str:
    """The words of tyro's box up to its first rule, without the parser's own reasons."""
    plain = re.sub(r"\x1b\[[0-9;]*m", "", box)
    rows = [line.strip("│ ") for line in plain.splitlines() if line.startswith("│")] or [plain]
    rules = [i for i, row in enumerate(rows) if row and set(row) <= {"─"}]
    said = " ".join(" ".join(rows[: rules[0]] if rules else rows).split())
    return re.sub(r"^Error parsing (Options: )?", "", said.split(" Got errors:")[0]).rstrip(".")
