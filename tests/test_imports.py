"""The house stands as planned: who may import whom, and what starts without torch."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import ravine

PACKAGE = Path(ravine.__file__).parent
CHAPTERS = ("optimization", "ensembles", "regularization", "augmentation", "transfer", "landscape", "traps")
# the interval of an accuracy is a formula that every chapter may state
FOUNDATION = (
    *("ravine.draws", "ravine.errors", "ravine.spec", "ravine.interval", "ravine.duration"),
    *("ravine.page", "ravine.drawing", "ravine.colours"),
)


def imports_of(path):
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module == "ravine":
            yield from (f"ravine.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module


def foreign(room, allowed):
    own = (*FOUNDATION, f"ravine.{room}", *allowed)
    for path in sorted((PACKAGE / room).rglob("*.py")):
        for name in imports_of(path):
            if name.startswith("ravine.") and not any(name == o or name.startswith(o + ".") for o in own):
                yield f"{path.relative_to(PACKAGE)} imports {name}"


@pytest.mark.parametrize("chapter", [c for c in CHAPTERS if (PACKAGE / c).is_dir()])
def test_a_chapter_imports_the_foundation_and_itself(chapter):
    assert list(foreign(chapter, ())) == []


@pytest.mark.parametrize(
    ("room", "allowed"),
    [("training", ["ravine.population"]), ("data", []), ("models", []), ("population", []), ("checkpoints", [])],
)
def test_a_room_imports_no_chapter(room, allowed):
    assert list(foreign(room, allowed)) == []


def modules_after(code):
    listing = f"import sys\n{code}\nprint('\\n'.join(sys.modules))"
    done = subprocess.run([sys.executable, "-c", listing], capture_output=True, text=True, check=True)
    return set(done.stdout.split())


@pytest.mark.parametrize(
    "code",
    [
        "import ravine; ravine.Recipe",
        "import ravine.cli; ravine.cli.main(['--help'])",
        "import ravine.cli, contextlib\nwith contextlib.suppress(SystemExit): ravine.cli.main(['train', '--help'])",
        "import ravine.cli; assert ravine.cli.main(['train', 'x', '--bogus']) == 2",
    ],
)
def test_starts_without_torch(code):
    loaded = modules_after(code)
    assert "ravine" in loaded
    assert "torch" not in loaded
    assert "scipy" not in loaded


def test_help_loads_no_library():
    """It answers in 0.03 s; numpy alone would be more than that."""
    assert not {"numpy", "PIL", "matplotlib"} & modules_after("import ravine.cli; ravine.cli.main(['--help'])")


def test_public_names_are_there():
    for name in ravine.__all__:
        assert getattr(ravine, name) is not None
    with pytest.raises(AttributeError, match="no attribute 'nonsense'"):
        ravine.nonsense  # noqa: B018
