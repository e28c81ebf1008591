"""Writes the pages of docs/reference/, which are not kept: commands as their help, names as their docstrings say."""

import contextlib
import inspect
import io
import os
import re
import shutil
from importlib import import_module
from pathlib import Path

from ravine.cli import COMMANDS, main, usage

RESULTS = Path(__file__).parents[1] / "benchmarks" / "RESULTS.md"
# the rooms whose pieces serve in anybody's own loop, in the lecture's order
ROOMS = {
    "optimization": "Optimization: rules, schedules, averages",
    "ensembles": "Ensembles",
    "regularization": "Regularization",
    "augmentation": "Augmentation",
    "transfer": "Transfer",
    "landscape": "Landscapes",
    "traps": "Traps",
    "report": "Reports",
    "tracking": "Trackers",
    "models": "Models",
    "population": "Populations",
    "data": "Data",
}
PAGES = ["reference/commands", "reference/python", *(f"reference/{room}" for room in ROOMS), "reference/results"]


def write(folder: Path) -> None:
    """All pages, anew."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    pages = {"commands": commands(), "python": names("ravine", "Python: import ravine")}
    pages |= {f"command_{command}": one_command(command) for command in COMMANDS}
    pages |= {room: names(f"ravine.{room}", title) for room, title in ROOMS.items()}
    for page, text in pages.items():
        (folder / f"{page}.rst").write_text(text, encoding="utf-8")
    shutil.copy(RESULTS, folder / "results.md")


def headed(title: str, text: str) -> str:
    return f"{title}\n{'=' * len(title)}\n\n{text}\n"


def indented(text: str) -> str:
    return "".join(f"   {line}".rstrip() + "\n" for line in text.splitlines())


def plain(text: str) -> str:
    """Words that reStructuredText is to leave alone."""
    return re.sub(r"([*`|_\\])", r"\\\1", text)


def as_it_stands(lines: list[str]) -> list[str]:
    """A docstring as reStructuredText: indented blocks are formulas and code, and only `backticks` mean something."""
    done: list[str] = []
    block, before = 0, 0  # the indentation of the block that is open, if one is, and that of the last line of text
    for i, line in enumerate(lines):
        indent = len(line) - len(line.lstrip())
        if line and indent < block:
            block = 0
        if line and not block and i and not lines[i - 1] and indent > before:
            block = indent
            done += [f"{' ' * before}::", ""]
        before = indent if line else before
        parts = [line] if block else re.split(r"(`[^`]*`)", line)
        done.append("".join(p if block or p.startswith("`") else re.sub(r"([*|])", r"\\\1", p) for p in parts))
    return done


# names


def names(module: str, title: str) -> str:
    """An entry for each name of a module's `__all__`, under the module's docstring."""
    room = import_module(module)
    words = as_it_stands(inspect.cleandoc(room.__doc__ or "").splitlines())
    entries = [entry(room, name) for name in room.__all__]
    return headed(title, "\n".join([*words, "", f".. currentmodule:: {module}\n", *entries]))


def entry(room: object, name: str) -> str:
    value, full = getattr(room, name), f"{room.__name__}.{name}"
    if inspect.isclass(value):
        bases = "" if value.__bases__ == (object,) else "   :show-inheritance:\n"
        return f".. autoclass:: {full}\n   :members:\n{bases}"
    if inspect.isroutine(value):
        return f".. autofunction:: {full}\n"
    if isinstance(value, dict):  # what a flag may name
        return f".. py:data:: {full}\n\n   By name: {', '.join(value)}.\n"
    return f".. autodata:: {full}\n   :no-value:\n"


# commands


def commands() -> str:
    """What `ravine --help` says, and the list of the commands' pages."""
    pages = "\n".join(f"   command_{command}" for command in COMMANDS)
    toc = f".. toctree::\n   :maxdepth: 1\n\n{pages}\n"
    return headed("Commands", f".. code-block:: text\n\n{indented(usage())}\n{toc}")


def one_command(command: str) -> str:
    """`ravine COMMAND --help` as a page: examples, words, and an entry for each flag."""
    words, flags = told(command)
    parts = [f"{COMMANDS[command].capitalize()}.\n"]
    for block in re.split(r"\n\s*\n", words):
        first, *rest = block.splitlines()
        if rest and all(line.startswith("  ") for line in rest):
            parts.append(f"{plain(first)}\n\n.. code-block:: sh\n\n{indented(inspect.cleandoc(chr(10).join(rest)))}")
        else:
            parts.append(plain(block) + "\n")
    parts.append(f".. program:: ravine {command}\n")
    parts += [f".. option:: {flag}\n\n{indented(plain(help))}" for flag, help in flags]
    return headed(f"ravine {command}", "\n".join(parts))


def told(command: str) -> tuple[str, list[tuple[str, str]]]:
    """The words of a command's help, and of its boxes each argument and flag ("--model STR", "Network: ...")."""
    words, _, boxes = help_of(command).partition("\n╭")
    flags: list[tuple[str, str]] = []
    for row in re.findall(r"^│ (.*?) *│$", boxes, re.M):
        if row.startswith(" "):
            flag, said = flags.pop()
        else:
            flag, _, row = row.partition("  ")
            said = ""
        flags.append((flag, f"{said} {row.strip()}".strip()))
    return words.partition("\n\n")[2].strip(), [(flag, said) for flag, said in flags if flag != "-h, --help"]


def help_of(command: str) -> str:
    """As on a terminal so wide that no line of it is broken."""
    said, columns = io.TextIOWrapper(io.BytesIO(), encoding="utf-8"), os.environ.get("COLUMNS")
    os.environ["COLUMNS"] = "1000"
    try:
        with contextlib.redirect_stdout(said), contextlib.suppress(SystemExit):
            main([command, "--help"])
    finally:
        os.environ.pop("COLUMNS")
        if columns is not None:
            os.environ["COLUMNS"] = columns
    said.seek(0)
    return said.read()
