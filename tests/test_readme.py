"""Every Python block of the README runs, and every command and path that it names exists."""

import re
import shlex
from pathlib import Path

import pytest

from ravine.cli import COMMANDS, main

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
COMMAND_LINES = re.findall(
    r"^ravine (.*?)(?:\s+#.*)?$", "\n".join(re.findall(r"```sh\n(.*?)```", README, re.DOTALL)), re.M
)
FLAGS = re.findall(r"`(--[a-z]+(?: (?:\"[^\"]*\"|[^`, \"]+))?)", README)


@pytest.mark.parametrize("block", BLOCKS, ids=range(len(BLOCKS)))
def test_python_blocks_run(block, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    exec(compile(block, "README.md", "exec"), {})  # noqa: S102


def test_there_are_blocks_and_commands():
    assert len(BLOCKS) >= 3
    assert len(COMMAND_LINES) >= 5
    assert len(FLAGS) >= 8


@pytest.mark.parametrize("line", COMMAND_LINES)
def test_commands_are_understood(line, tmp_path, monkeypatch, capsys):
    """They fail only for want of the reader's photos."""
    monkeypatch.chdir(tmp_path)
    arguments = shlex.split(line)
    assert arguments[0] in COMMANDS
    assert main(arguments) == 3, capsys.readouterr().err
    assert "no such" in capsys.readouterr().err.lower()


@pytest.mark.parametrize("flag", sorted(set(FLAGS)))
def test_flags_are_understood(flag, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main(["train", "missing", *shlex.split(flag)]) in (3,), capsys.readouterr().err


@pytest.mark.parametrize("link", sorted(set(re.findall(r"\]\(([^)#]+?)\)", README))))
def test_links_lead_somewhere(link):
    assert link.startswith("https://") or (ROOT / link).exists()
