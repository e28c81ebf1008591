"""Flags from a dataclass (tyro), with every refusal in one line."""

import io
import os
import re
from collections.abc import Collection, Sequence
from contextlib import redirect_stderr
from dataclasses import field, fields, make_dataclass
from inspect import cleandoc
from pathlib import Path
from typing import Any, TypeVar, cast

import tyro

from ravine.errors import UsageError, did_you_mean
from ravine.recipe import Recipe

T = TypeVar("T")


def parse(options: type[T], arguments: Sequence[str], command: str, not_offered: Collection[str] = ()) -> T:
    """An instance of the dataclass `options`. Its docstring is the command's help, its fields are the flags.

    Args:
        options: frozen; of it and its bases come the flags.
        arguments: of the command line, after the command.
        command: its name.
        not_offered: fields that the help leaves out, since the command refuses all but their defaults.

    Raises:
        UsageError: in one line what tyro says in a box.
        SystemExit: 0, after `--help`.
    """
    asks_help = bool({"-h", "--help"} & set(arguments))
    if not asks_help:
        _refuse_unknown(options, arguments, command)
    offered = _without(options, not_offered) if asks_help and not_offered else options
    said, columns = io.StringIO(), os.environ.get("COLUMNS")
    try:
        if not asks_help:
            os.environ["COLUMNS"] = "1000"  # so that no word of the box is broken
        with redirect_stderr(said):
            return tyro.cli(
                offered,
                prog=f"ravine {command}",
                description=cleandoc(options.__doc__ or ""),
                args=list(arguments),
                default=cast(T, _by_recipe(offered, arguments)),  # None for none
                config=(tyro.conf.FlagCreatePairsOff,),
            )
    except SystemExit as exit:
        if not exit.code:
            raise
        example = re.search(rf"ravine {command} .*", options.__doc__ or "")
        raise _refusal(_in_one_line(said.getvalue()), f"ravine {command}", example[0] if example else "") from None
    finally:
        os.environ.pop("COLUMNS", None)
        if columns is not None:
            os.environ["COLUMNS"] = columns


def _by_recipe(options: type[T], arguments: Sequence[str]) -> T | None:
    """The options as the file of --recipe has them, under what the other flags say; None without that flag."""
    for i, argument in enumerate(arguments):
        name, _, value = argument.partition("=")
        if name == "--recipe" and "--recipe" in _flags(options):
            path = value or "".join(arguments[i + 1 : i + 2])
            recipe = Recipe.read(Path(path))
            return options(**{field.name: getattr(recipe, field.name) for field in fields(Recipe)})
    return None


def _flags(options: Any) -> list[str]:
    return [f"--{field.name.replace('_', '-')}" for field in fields(options)]


def _without(options: type[T], names: Collection[str]) -> type[T]:
    """The dataclass without some of its flags."""
    left_out = [(f.name, Any, field(default=f.default, init=False)) for f in fields(options) if f.name in names]  # pyright: ignore[reportArgumentType]
    return make_dataclass(options.__name__, left_out, bases=(options,), frozen=True)


# A type as tyro's message names it, and in words
_KINDS = {"INT": "a whole number", "FLOAT": "a number", "INT|{auto}": "a whole number or auto"}
_KINDS |= {"FLOAT|{auto}": "a number or auto"}
_UNLIKE = r"(--\S+): no type matching (\S+) could be instantiated from \[(.*)\]"
_NO_NUMBER = r"(--\S+): (?:invalid literal for (int)\(\) with base 10|could not convert string to (float)): (.*)"


def _refusal(said: str, where: str, example: str) -> UsageError:
    """What tyro says of missing arguments and of values that are no numbers, in plain words; the rest as it is."""
    if said.startswith("Missing from "):
        rest = said.removeprefix(f"Missing from {where}: ").split("(required)")
        missing = [part.split()[0] for part in rest if part.split()]
        what = f"{' and '.join(missing)} {'is' if len(missing) == 1 else 'are'} missing"
        return UsageError(what, where=where, expected=example)
    if unlike := re.fullmatch(_UNLIKE, said):
        flag, kind, value = unlike.groups()
    elif no_number := re.fullmatch(_NO_NUMBER, said):
        flag, whole, _, value = no_number.groups()
        kind = "INT" if whole else "FLOAT"
    else:
        return UsageError(said, where=where)
    return UsageError(f"cannot be {value}", where=f"{where}: {flag}", expected=_KINDS.get(kind, kind))


def _refuse_unknown(options: Any, arguments: Sequence[str], command: str) -> None:
    """tyro would complain of whatever an unknown flag's value is taken for."""
    known = _flags(options)
    for argument in arguments:
        name = argument.split("=")[0].replace("_", "-")
        if argument == "--":
            return
        if name.startswith("--") and name not in known:
            raise UsageError(f"no flag {name}", where=f"ravine {command}", cure=did_you_mean(name, known))


def _in_one_line(box: str) -> str:
    """The words of tyro's box up to its first rule, without its title and the parser's own reasons.

    Where the terminal has no lines for a box there is none: the title then stands above a rule of its own.
    """
    plain = [line.strip() for line in re.sub(r"\x1b\[[0-9;]*m", "", box).splitlines() if line.strip()]
    boxed = [line.strip("│ ") for line in plain if line.startswith("│")]
    rows = boxed or plain
    rules = [i for i, row in enumerate(rows) if row and set(row) <= {"─", "-"}]
    if not boxed and rules:
        rows, rules = rows[rules[0] + 1 :], [i - rules[0] - 1 for i in rules[1:]]
    said = " ".join(" ".join(rows[: rules[0]] if rules else rows).split())
    return re.sub(r"^Error parsing (Options: )?", "", said.split(" Got errors:")[0]).rstrip(".")
