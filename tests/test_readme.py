"""Every Python block of the README and the docs runs, and every command and path that they name exists."""

import contextlib
import io
import re
import shlex
from pathlib import Path

import pytest

from ravine.cli import COMMANDS, main

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
TEXTS = {page: page.read_text(encoding="utf-8") for page in PAGES}
README = "\n".join(TEXTS.values())
BLOCKS = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
COMMAND_LINES = re.findall(
    r"^ravine (.*?)(?:\s+#.*)?$", "\n".join(re.findall(r"```sh\n(.*?)```", README, re.DOTALL)), re.M
)
# with their values; the page of the architecture speaks of flags in general
FOR_USERS = "\n".join(text for page, text in TEXTS.items() if page.name != "architecture.md")
FLAGS = re.findall(r"`(--[a-z-]+(?: (?:\"[^\"]*\"|[^`, \"]+))?)", FOR_USERS)
# named alone, or with a letter for the value: of any command; on and off take no value
NAMED = sorted({flag.split()[0] for flag in FLAGS if re.fullmatch(r"--\S+(?: [A-Z]+)?", flag)})
GIVEN = sorted(flag for flag in set(FLAGS) if not re.fullmatch(r"--\S+(?: [A-Z]+)?", flag))


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
    """They fail only for want of the reader's photos and runs."""
    monkeypatch.chdir(tmp_path)
    arguments = shlex.split(line)
    assert arguments[0] in COMMANDS
    if not any(re.search(r"photos|runs/|\.safetensors", argument) for argument in arguments):
        assert main(arguments) == 0, capsys.readouterr().err
        return
    assert main(arguments) == 3, capsys.readouterr().err
    assert re.search("no such|not a run folder", capsys.readouterr().err.lower())


@pytest.mark.parametrize("flag", GIVEN)
def test_flags_are_understood(flag, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    if main(["train", "missing", *shlex.split(flag)]) == 3:
        return
    # some mean something only with pretrained weights
    assert main(["finetune", "missing", "missing", *shlex.split(flag)]) == 3, capsys.readouterr().err


@pytest.fixture(scope="module")
def known_flags():
    """All flags of all commands, as their help names them."""
    known = set()
    for command in COMMANDS:
        out = io.StringIO()
        with contextlib.redirect_stdout(out), contextlib.suppress(SystemExit):
            main([command, "--help"])
        known |= set(re.findall(r"--[a-z][a-z-]*", out.getvalue()))
    return known


@pytest.mark.parametrize("flag", NAMED)
def test_flags_exist(flag, known_flags):
    assert flag in known_flags


LINKS = sorted({(page, link) for page, text in TEXTS.items() for link in re.findall(r"\]\(([^)#]+?)\)", text)})


@pytest.mark.parametrize(("page", "link"), LINKS, ids=[f"{page.name}-{link}" for page, link in LINKS])
def test_links_lead_somewhere(page, link):
    assert link.startswith("https://") or (page.parent / link).exists()
